import { defineEventHandler } from 'h3'
import { subject } from '../lib/gate'

export default defineEventHandler((event) => subject(event, ['read']))
