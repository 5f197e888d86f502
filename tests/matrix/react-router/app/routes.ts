import { type RouteConfig, route } from '@react-router/dev/routes'

export default [
  route('read', 'routes/read.ts'),
  route('write', 'routes/write.ts'),
  route('directory', 'routes/directory.ts'),
] satisfies RouteConfig
