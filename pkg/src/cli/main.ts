#!/usr/bin/env node
import { backup } from './commands/backup.ts'
import { check } from './commands/check.ts'
import { keygen } from './commands/keygen.ts'
import { restore } from './commands/restore.ts'
import { serve } from './commands/serve.ts'
import { main } from './dispatch.ts'

main([serve, check, keygen, backup, restore])
