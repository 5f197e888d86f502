declare namespace App {
  interface Locals {
    auth: import('portcullis').Accepted
  }
}
