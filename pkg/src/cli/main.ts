#!/usr/bin/env node
import { backup } from './commands/backup.ts'
import { check } from './commands/check.ts'
import { init } from './commands/init.ts'
import { keygen } from './commands/keygen.ts'
import { restore } from './commands/restore.ts'
import { serve } from './commands/serve.ts'
import { main } from './dispatch.ts'

main([serve, check, init, keygen, backup, restore])
