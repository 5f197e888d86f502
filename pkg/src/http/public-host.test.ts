import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isPublicHost } from './public-host.ts'

const isPublic = (host: string): boolean => isPublicHost(new URL(`https://${host}/`))

test('names of the public internet and public addresses are public', () => {
  for (const host of [
    'id.example.com',
    'ID.example.com.',
    'a.b',
    'localhost.example.com',
    'internal.example.com',
    '8.8.8.8',
    '172.15.0.1',
    '172.32.0.1',
    '100.63.0.1',
    '[2606:4700::1111]',
    '[2001:4860::8888]',
  ]) {
    assert.equal(isPublic(host), true, host)
  }
})

test('names without a dot, and those of private networks, are not', () => {
  for (const host of [
    'localhost',
    'localhost.',
    'LOCALHOST',
    'metadata',
    'a.localhost',
    'printer.local',
    'metadata.google.internal',
    'router.home.arpa',
    'x.test',
    'x.onion.',
  ]) {
    assert.equal(isPublic(host), false, host)
  }
})

test('private and reserved IPv4 addresses are not, in any spelling', () => {
  for (const host of [
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '0.0.0.0',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '192.0.0.8',
    '192.0.2.1',
    '198.18.0.1',
    '198.51.100.7',
    '203.0.113.7',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '127.0.0.1.',
  ]) {
    assert.equal(isPublic(host), false, host)
  }
})

test('IPv6 addresses that are not global unicast, or that embed an IPv4 address, are not', () => {
  for (const host of [
    '[::1]',
    '[::]',
    '[::ffff:10.0.0.1]',
    '[::ffff:8.8.8.8]',
    '[64:ff9b::a00:1]',
    '[fe80::1]',
    '[fd00::1]',
    '[fc00::1]',
    '[ff02::1]',
    '[2001:db8::1]',
    '[2001::1]',
    '[2002:a00:1::]',
    '[1::]',
  ]) {
    assert.equal(isPublic(host), false, host)
  }
})
