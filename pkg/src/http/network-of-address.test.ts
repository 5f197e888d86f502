import assert from 'node:assert/strict'
import { test } from 'node:test'
import { networkOf } from './network-of-address.ts'

test('an IPv4 address counts by itself, in every spelling', () => {
  for (const address of [
    '203.0.113.7',
    '::ffff:203.0.113.7',
    '::FFFF:cb00:7107',
    '0:0:0:0:0:ffff:203.0.113.7',
    '64:ff9b::203.0.113.7',
  ]) {
    assert.equal(networkOf(address), '203.0.113.7', address)
  }
  assert.notEqual(networkOf('203.0.113.8'), networkOf('203.0.113.7'))
  assert.notEqual(networkOf('::ffff:203.0.113.8'), networkOf('::ffff:203.0.113.7'))
})

test('an IPv6 address counts by its /64', () => {
  const network = networkOf('2001:db8:0:1::7')
  assert.equal(network, '2001:db8:0:1::/64')
  for (const address of ['2001:db8:0:1:ffff:ffff:ffff:ffff', '2001:0DB8:0000:0001::', '2001:db8:0:1:0:0:192.0.2.1']) {
    assert.equal(networkOf(address), network, address)
  }
  for (const address of ['2001:db8:0:2::7', '2001:db8::1', '2001:db8:1::7'])
    assert.notEqual(networkOf(address), network, address)
  assert.equal(networkOf('::1'), '0:0:0:0::/64')
  assert.equal(networkOf('fe80::1%eth0'), networkOf('fe80::2%eth0'))
})

test('any other string counts unchanged, up to a length', () => {
  for (const text of [
    '',
    'unix',
    'host.example',
    '1:2:3',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    'g::1',
    '::1.2.3',
  ]) {
    assert.equal(networkOf(text), text)
  }
  assert.equal(networkOf(undefined), '')
  assert.equal(networkOf('x'.repeat(10_000)).length, 64)
  assert.equal(networkOf(':'.repeat(10_000)).length, 64)
})
