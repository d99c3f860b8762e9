import { z } from 'zod';
import { port, type SettingGroup, text } from './setting.ts';

export const NETWORK = {
  host: {
    flag: '--host <address>',
    description: 'address to listen on; any but a loopback address needs --token or --auth none',
    schema: text,
    default: '127.0.0.1',
  },
  port: {
    flag: '--port <number>',
    description: 'port of the OTLP/HTTP receiver; 0 takes a free one',
    schema: port,
    default: 4318,
  },
  metricsPort: {
    flag: '--metrics-port <number>',
    description: 'port on which a consumer answers /metrics, /healthz and /readyz; 0 takes a free one',
    schema: port,
    default: 9464,
  },
  token: {
    flag: '--token <secret>',
    description: 'bearer token of senders and of /metrics; better given by ORIGINSCOPE_TOKEN or _TOKEN_FILE',
    schema: z.string().min(8),
    secret: true,
  },
  auth: {
    flag: '--auth <mode>',
    description: '"token", or "none" to let everybody send and read metrics from everywhere',
    schema: z.enum(['token', 'none']),
    default: 'token',
  },
} as const satisfies SettingGroup;
