import { z } from 'zod';
import { parseSamplingRatios } from '../../collector/derivation/sampling.ts';
import type { SettingGroup } from './setting.ts';

export const DERIVATION = {
  samplingRatios: {
    flag: '--sampling-ratios <pairs>',
    description:
      'by which ratio services sample the HTTP spans that decisions are derived from: orders=0.1,*=1',
    schema: z.string().min(3).transform(parseSamplingRatios),
  },
  inboundTracestate: {
    flag: '--inbound-tracestate <trust>',
    description:
      'whether the ratio in a tracestate that clients send (ot=th:…) is believed, where none is given: "ignored" or "trusted"',
    schema: z.enum(['ignored', 'trusted']),
    default: 'ignored',
  },
} as const satisfies SettingGroup;
