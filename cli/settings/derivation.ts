import { z } from 'zod';
import { parseSamplingRatios } from '../../collector/derivation/sampling.ts';
import type { SettingGroup } from './setting.ts';

export const DERIVATION = {
  samplingRatios: {
    flag: '--sampling-ratios <pairs>',
    description:
      'sampling ratio of the HTTP spans that decisions are derived from, by service: orders=0.1,*=1',
    schema: z.string().min(3).transform(parseSamplingRatios),
  },
  inboundTracestate: {
    flag: '--inbound-tracestate <trust>',
    description:
      'whether a sampling ratio in an inbound tracestate (ot=th:…) counts for services without --sampling-ratios: "ignored" or "trusted"',
    schema: z.enum(['ignored', 'trusted']),
    default: 'ignored',
  },
} as const satisfies SettingGroup;
