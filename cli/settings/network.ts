import { z } from 'zod';
import { port, type SettingGroup, text } from './setting.ts';

export const NETWORK = {
  host: {
    flag: '--host <address>',
    description: 'address to listen on; anything but a loopback address requires --token or --auth none',
    schema: text,
    default: '127.0.0.1',
  },
  port: {
    flag: '--port <number>',
    description: 'port of the OTLP/HTTP receiver; 0 picks a free port',
    schema: port,
    default: 4318,
  },
  metricsPort: {
    flag: '--metrics-port <number>',
    description: 'port of a consumer for /metrics, /healthz and /readyz; 0 picks a free port',
    schema: port,
    default: 9464,
  },
  token: {
    flag: '--token <secret>',
    description: 'bearer token for senders and /metrics; prefer ORIGINSCOPE_TOKEN or _TOKEN_FILE',
    schema: z.string().min(8),
    secret: true,
  },
  auth: {
    flag: '--auth <mode>',
    description:
      '"token", or "none" to accept data from and show metrics to anyone who can reach the address',
    schema: z.enum(['token', 'none']),
    default: 'token',
  },
} as const satisfies SettingGroup;
