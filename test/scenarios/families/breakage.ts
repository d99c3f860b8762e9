import { type CallTemplate, needsPreflight } from '../policy.ts';
import { changed, droppedHeader, during, mostUsed, type Plan, topOrigin, without } from './plan.ts';

export const BREAKAGES: Readonly<Record<string, Plan>> = {
  allowlist_entry_lost: {
    class: 'breakage',
    leastVolume: 0.05,
    minutes: [30, 240],
    plan(setting, start, end) {
      const origin = topOrigin(setting);
      return {
        apply: changed(setting, start, end, without(setting.policy, origin)),
        subjects: [{ kind: 'origin', value: origin }],
      };
    },
  },
  trailing_slash: {
    class: 'breakage',
    leastVolume: 0.05,
    minutes: [30, 240],
    plan(setting, start, end) {
      const origin = topOrigin(setting);
      const policy = { ...setting.policy, writtenAs: new Map([[origin, `${origin}/`]]) };
      return { apply: changed(setting, start, end, policy), subjects: [{ kind: 'origin', value: origin }] };
    },
  },
  header_dropped: {
    class: 'breakage',
    leastVolume: 0.05,
    minutes: [30, 240],
    plan(setting, start, end) {
      const dropped = droppedHeader(setting);
      const policy = {
        ...setting.policy,
        headers: setting.policy.headers.filter((name) => name !== dropped),
      };
      return { apply: changed(setting, start, end, policy), subjects: [{ kind: 'header', value: dropped }] };
    },
  },
  method_dropped: {
    class: 'breakage',
    leastVolume: 0.05,
    minutes: [30, 240],
    plan(setting, start, end) {
      const { calls, policy } = setting;
      const dropped = mostUsed(
        calls
          .filter(({ method }) => !['GET', 'POST', 'HEAD'].includes(method))
          .map(({ method, weight }) => [method, weight] as const),
      );
      const changedPolicy = { ...policy, methods: policy.methods.filter((name) => name !== dropped) };
      return {
        apply: changed(setting, start, end, changedPolicy),
        subjects: [{ kind: 'method', value: dropped }],
      };
    },
  },
  new_tracing_header: {
    class: 'breakage',
    leastVolume: 0.05,
    minutes: [60, 300],
    plan(setting, start, end) {
      const { random } = setting;
      const header = random.pick(['traceparent', 'baggage', 'mcp-protocol-version', 'x-datadog-trace-id']);
      const origin = random.chance(0.5) ? topOrigin(setting) : undefined;
      const traced = (call: CallTemplate): CallTemplate =>
        (origin === undefined || call.origin === origin) && call.browser
          ? { ...call, headers: [...call.headers, header] }
          : call;
      const calls = setting.calls.map(traced);
      return {
        apply: during(start, end, (conditions) => ({ ...conditions, calls })),
        subjects: [{ kind: 'header', value: header }],
      };
    },
  },
  authentication_before_cors: {
    class: 'breakage',
    leastVolume: 0.05,
    minutes: [30, 180],
    plan(setting, start, end) {
      const policy = {
        ...setting.policy,
        preflightStatus: { status: setting.random.pick([401, 403]), routes: [] },
      };
      return { apply: changed(setting, start, end, policy) };
    },
  },
  redirecting_gateway: {
    class: 'breakage',
    leastVolume: 0.05,
    minutes: [30, 180],
    plan(setting, start, end) {
      const route = mostUsed(
        setting.calls.filter(needsPreflight).map(({ route, weight }) => [route, weight] as const),
      );
      const policy = {
        ...setting.policy,
        preflightStatus: { status: 302, routes: [route], location: 'https://login.corp-sso.com/' },
      };
      return { apply: changed(setting, start, end, policy), subjects: [{ kind: 'route', value: route }] };
    },
  },
  upstream_errors: {
    class: 'breakage',
    leastVolume: 4,
    isStatistical: true,
    minutes: [20, 120],
    plan({ calls, random }, start, end) {
      const route = mostUsed(calls.map(({ route, weight }) => [route, weight] as const));
      const failing = {
        status: random.pick([500, 502, 503, 504, 429]),
        share: random.between(0.25, 0.95),
        route,
      };
      return {
        apply: during(start, end, (conditions) => ({ ...conditions, failing })),
        subjects: [{ kind: 'route', value: route }],
      };
    },
  },
  partial_roll_out: {
    class: 'breakage',
    leastVolume: 1,
    minutes: [40, 180],
    plan(setting, start, end) {
      const { random } = setting;
      const dropped = droppedHeader(setting);
      const policy = random.chance(0.5)
        ? { ...setting.policy, headers: setting.policy.headers.filter((name) => name !== dropped) }
        : without(setting.policy, topOrigin(setting));
      const version = `3.${random.whole(0, 20)}.0`;
      const share = random.between(0.1, 0.5);
      const apply = during(start, end, (conditions) => {
        const [running] = conditions.versions;
        if (running === undefined) return conditions;
        return {
          ...conditions,
          versions: [
            { ...running, share: 1 - share },
            { version, share, policy },
          ],
        };
      });
      return { apply, subjects: [{ kind: 'version', value: version }] };
    },
  },
  credentials_flag_lost: {
    class: 'breakage',
    leastVolume: 0.05,
    minutes: [30, 240],
    plan(setting, start, end) {
      return {
        apply: changed(setting, start, end, { ...setting.policy, credentials: false }),
        subjects: [
          { kind: 'reason', value: 'acac_not_true' },
          { kind: 'reason', value: 'credentials_mode_unknown' },
          { kind: 'header', value: 'access-control-allow-credentials' },
        ],
      };
    },
  },
};
