import type { Accepted } from 'portcullis/edge'

declare global {
  namespace App {
    interface Locals {
      auth: Accepted
    }
  }
}
