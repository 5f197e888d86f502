import { NestFactory } from '@nestjs/core'
import { AppModule } from './app.module.js'

async function bootstrap() {
  const app = await NestFactory.create(AppModule)
  const server = await app.listen(Number(process.env.PORT), '127.0.0.1')
  console.log(`listening on ${server.address().port}`)
}

void bootstrap()
