import type { Accepted } from 'portcullis'

declare global {
  namespace App {
    interface Locals {
      auth: Accepted
    }
  }
}
