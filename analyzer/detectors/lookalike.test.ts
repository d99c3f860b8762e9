import { expect, test } from 'vitest';
import { siteOf } from '../input/origin-kind.ts';
import { mostAlike } from './lookalike.ts';

test.each([
  ['https://www.paypal.com', 'https://www.xn--pypl-53dc.com', 1],
  ['https://www.apple.com', 'https://xn--80ak6aa92e.com', 1],
  ['https://www.paypal.com', 'https://www.paypa1.com', 0.95],
  ['https://app.modern.com', 'https://app.modem.com', 0.95],
  ['https://app.example.com', 'https://app.example.com.evil.io', 0.9],
  ['https://app.example.com', 'https://app.example.co', 0.85],
  ['https://www.github.com', 'https://www.githubb.com', 0.8],
  ['https://www.github.com', 'https://www.gihtub.com', 0.8],
  ['https://www.github.com', 'https://github-login.com', 0.7],
  ['https://ok.vercel.app', 'https://okk.vercel.app', 0],
])('to %s, %s is alike by %d', (allowed, origin, score) => {
  expect(mostAlike(origin, [allowed])?.score ?? 0).toBeCloseTo(score, 5);
});

test('a subdomain of an allowed site is not a lookalike, the next customer of its host is another site', () => {
  expect(mostAlike('https://stage.example.com', ['https://app.example.com'])).toBeUndefined();
  expect(siteOf('https://evil.vercel.app')).not.toBe(siteOf('https://ok.vercel.app'));
  expect(siteOf('https://a.example.co.uk')).toBe('example.co.uk');
});

test('sites that have nothing in common are not alike', () => {
  const allowed = ['https://www.paypal.com', 'https://app.example.com'];
  for (const origin of ['https://lumenharbor.io', 'https://news.ycombinator.com', 'https://a.dev', 'null']) {
    expect(mostAlike(origin, allowed)).toBeUndefined();
  }
});
