import { expect, test } from 'vitest';
import { rows } from '../../test/support/clickhouse.ts';
import { blocked, decisionSpan, decisionSpans } from '../../test/support/decision-spans.ts';
import { HOUR, MINUTE, type Pipeline, pipeline, START } from '../../test/support/pipeline.ts';
import { until } from '../../test/support/until.ts';
import { createWriter } from '../ingest/writer.ts';
import { beginImport } from '../publication/import.ts';
import { publishSlots } from '../publication/publish-slots.ts';
import type { CheckName, Verification } from './verification.ts';
import { type VerifyOptions, verify } from './verify.ts';

/** Allowed and blocked, in two slots of an hour. */
const SPANS = decisionSpans(30, (index) => ({
  time: START + (index % 20) * MINUTE,
  decisions: 1 + index,
  ...(index % 3 === 0 && blocked),
}));
const HOUR_CLOSED = 65 * MINUTE;
const DAY = 24 * HOUR;

function verified(
  { clickHouse, now }: Pipeline,
  options: Partial<VerifyOptions> = {},
): Promise<Verification> {
  return verify(clickHouse.reading, { now: now(), pause: async () => {}, ...options });
}

/** Sentences by check. */
function found({ checks }: Verification): Partial<Record<CheckName, string[]>> {
  return Object.fromEntries(
    checks
      .filter(({ ok }) => !ok)
      .map(({ name, findings }) => [name, findings.map(({ sentence }) => sentence)]),
  );
}

const informed = ({ information }: Verification) => information.map(({ name }) => name);

async function published(): Promise<Pipeline> {
  const line = await pipeline();
  await line.writer.write(SPANS);
  line.at(HOUR_CLOSED);
  expect(await line.publisher.tick()).toMatchObject({ slots: [START, START + 10 * MINUTE], hours: [START] });
  return line;
}

const run = ({ clickHouse }: Pipeline, query: string) => clickHouse.writing.command({ query });
const time = (millis: number) => `toDateTime(${millis / 1_000}, 'UTC')`;
const FIRST = new Date(START).toISOString().replace('.000', '');

/** A writer whose process dies, or whose ClickHouse goes away, in the middle of an insert. */
function dyingWriter({ clickHouse, now }: Pipeline, after: 'decision_spans' | 'nothing') {
  return createWriter({
    client: {
      command: (statement) => clickHouse.writing.command(statement),
      async insertRows(block) {
        if (after === block.table) await clickHouse.writing.insertRows(block);
        throw Object.assign(new Error('gone'), { code: '241' });
      },
    },
    now,
    lingerMillis: 0,
    retryMillis: [],
  });
}

test('an empty database holds, and one whose slots are open, published, due again and dropped', async () => {
  const line = await pipeline();
  const { writer, publisher, at } = line;
  expect(await verified(line)).toMatchObject({ ok: true, information: [] });
  await writer.write(SPANS);
  expect(informed(await verified(line))).toEqual(['not_published_yet']);
  at(HOUR_CLOSED);
  await publisher.tick();
  const whole = await verified(line);
  expect(whole).toMatchObject({ ok: true, information: [] });
  expect(whole.checks.map(({ name, checked }) => [name, checked > 0])).toEqual([
    ['raw_spans', true],
    ['usage_minutes', true],
    ['completeness_slots', true],
    ['usage_hours', true],
    ['markers', true],
    ['blocked_spans', true],
    ['rows', true],
    ['dropped_days', true],
  ]);
  await writer.write([decisionSpan({ time: START, spanId: 'ffffffffffffff01', ...blocked })]);
  expect(found(await verified(line))).toEqual({});
  await publisher.tick();
  expect(await verified(line)).toMatchObject({ ok: true, information: [] });
  // Runs that were superseded are there, and then not any more.
  await publisher.clean();
  expect(await verified(line)).toMatchObject({ ok: true, information: [] });
  at(80 * HOUR);
  await publisher.tick();
  await publisher.clean();
  expect(await rows(line.clickHouse, 'SELECT count() AS n FROM decision_spans')).toEqual([{ n: 0 }]);
  expect(await verified(line)).toMatchObject({ ok: true, information: [] });
});

test('late spans of a dropped day are told with what a rebuild would do', async () => {
  const line = await published();
  line.at(80 * HOUR);
  await line.publisher.clean();
  await line.writer.write([decisionSpan({ time: START, spanId: 'ffffffffffffff01', decisions: 50 })], START);
  const { ok, information } = await verified(line);
  expect(ok).toBe(true);
  expect(information).toEqual([
    {
      name: 'left_out',
      sentence: expect.stringMatching(
        new RegExp(
          `^1 late span with 50 decisions came for 1 slot .*"originscope rebuild --since ${FIRST} --until `,
        ),
      ),
    },
  ]);
});

test('what an import replaced holds, and what a newer rule set decided anew', async () => {
  const line = await published();
  const { clickHouse, writer, publisher, at, now } = line;
  await writer.write(SPANS.slice(0, 9).map((span) => ({ ...span, derivation: 2, decisions: 0 })));
  await writer.write([
    { ...(SPANS[12] as (typeof SPANS)[0]), derivation: 2, verdict: 'allowed', reason: '' },
  ]);
  await publisher.tick();
  expect(found(await verified(line, { derivation: 2 }))).toEqual({});
  at(60 * HOUR);
  const importing = await beginImport({
    client: clickHouse.publishing,
    writer,
    publisher,
    now,
    conflicts: 'shrink',
  });
  await importing.add(decisionSpans(7, () => ({ time: START - DAY, ...blocked })));
  await importing.add(SPANS.slice(0, 5));
  expect(await importing.finish()).toMatchObject({ published: [START - DAY] });
  expect(found(await verified(line, { derivation: 2 }))).toEqual({});
});

test('what crashes leave holds: of inserts, of publications, of runs that nobody marked', async () => {
  const line = await published();
  const { publisher, writer, at } = line;
  const fresh = [decisionSpan({ time: START, spanId: 'ffffffffffffff01', decisions: 50, ...blocked })];
  await expect(dyingWriter(line, 'decision_spans').write(fresh)).rejects.toThrow();
  await publisher.tick();
  // After the publication nobody knows of the rows that come now, and nobody was told that they are kept.
  const more = [decisionSpan({ time: START, spanId: 'ffffffffffffff02', ...blocked })];
  const dying = dyingWriter(line, 'decision_spans');
  const { insertRows } = line.clickHouse.writing;
  line.clickHouse.writing.insertRows = async (block) => {
    await publisher.tick();
    await insertRows(block);
  };
  await expect(dying.write(more)).rejects.toThrow();
  line.clickHouse.writing.insertRows = insertRows;
  const after = await verified(line);
  expect(found(after)).toEqual({});
  expect(informed(after)).toContain('unended_inserts');
  await expect(
    dyingWriter(line, 'nothing').write([decisionSpan({ time: START + 2 * HOUR - 10 * MINUTE })]),
  ).rejects.toThrow();
  expect(found(await verified(line))).toEqual({});

  // Its sender sends it again.
  await writer.write(more);
  const crash = { ...publisher.publication, pause: () => Promise.reject(new Error('crash')) };
  await expect(publishSlots(crash, { table: 'decision_spans' }, [START])).rejects.toThrow('crash');
  expect(found(await verified(line))).toEqual({});
  // The engine's clock says now when the run began.
  at(Date.now() - START + 2 * DAY);
  expect(informed(await verified(line))).toContain('remains');
  expect(found(await verified(line))).toEqual({});
});

/** SQL that plants a fault in an hour, and the sentences that are said of it by check. */
interface Fault {
  readonly plant: (hour: PlantedHour) => string[];
  readonly found: Partial<Record<CheckName, readonly string[]>>;
}

/** SQL. */
interface PlantedHour {
  /** WHERE: rows of the table are of the hour, or of its first slot. */
  readonly of: (table: string, column?: string) => string;
  readonly ofSlot: string;
  /** One allowed span of the first slot, with something else in its place. */
  readonly span: (replace: string) => string;
}

const FAULTS: Readonly<Record<string, Fault>> = {
  nothing: { plant: () => [], found: {} },
  'a raw span that went away': {
    plant: ({ ofSlot }) => [`DELETE FROM decision_spans WHERE ${ofSlot} AND span = 2`],
    found: {
      raw_spans: [
        'has 19 spans with 308 decisions in decision_spans, and was published with 20 spans with 310 decisions',
      ],
    },
  },
  'a raw span that came without a number': {
    plant: ({ span }) => [span('999 AS span')],
    found: { raw_spans: ['has 21 spans'] },
  },
  'a raw span that says another thing than was published, with the same counts': {
    plant: ({ span, ofSlot }) => [
      span('998 AS span'),
      `DELETE FROM decision_spans WHERE ${ofSlot} AND span = 2`,
    ],
    found: { raw_spans: ['has 20 spans with 310 decisions (fingerprint '] },
  },
  'a published minute that went away': {
    plant: ({ ofSlot }) => [
      `DELETE FROM usage_minutes WHERE ${ofSlot} AND minute = slot AND verdict = 'blocked'`,
    ],
    found: { usage_minutes: ['decisions of its run'] },
  },
  'all minutes of a marked run': {
    plant: ({ ofSlot }) => [`DELETE FROM usage_minutes WHERE ${ofSlot}`],
    found: { markers: ['has no rows in usage_minutes'] },
  },
  'completeness of another instance': {
    plant: ({ of }) => [
      `INSERT INTO completeness_slots SELECT * REPLACE ('other' AS instance) FROM completeness_slots WHERE ${of('completeness_slots', 'slot')} ORDER BY slot LIMIT 1`,
    ],
    found: { completeness_slots: ['completeness_slots has 40 spans with 620 decisions'] },
  },
  'completeness of a marked run that went away': {
    plant: ({ of }) => [`DELETE FROM completeness_slots WHERE ${of('completeness_slots', 'slot')}`],
    found: { markers: ['has no rows in completeness_slots', 'has no rows in completeness_slots'] },
  },
  'an hour that says more than its marker': {
    plant: ({ of }) => [
      `INSERT INTO usage_hours SELECT * FROM usage_hours WHERE ${of('usage_hours', 'hour')} LIMIT 1`,
    ],
    found: { usage_hours: ['its marker says 465'] },
  },
  'an hour that says another thing than its minutes': {
    plant: ({ of }) => [
      `INSERT INTO usage_hours SELECT * REPLACE ('staging' AS environment) FROM usage_hours WHERE ${of('usage_hours', 'hour')}`,
      `DELETE FROM usage_hours WHERE ${of('usage_hours', 'hour')} AND environment != 'staging'`,
    ],
    found: { usage_hours: ['says other things of them'] },
  },
  'an hour and its marker that say less than its minutes': {
    plant: ({ of }) => [
      `DELETE FROM usage_hours WHERE ${of('usage_hours', 'hour')} AND verdict = 'blocked'`,
      `INSERT INTO published_hours SELECT * REPLACE (320 AS decisions) FROM published_hours WHERE ${of('published_hours', 'hour')}`,
      `DELETE FROM published_hours WHERE ${of('published_hours', 'hour')} AND decisions != 320`,
    ],
    found: { usage_hours: ['has 320 decisions, the minutes of its slots have 465'] },
  },
  'all rows of a marked hour': {
    plant: ({ of }) => [`DELETE FROM usage_hours WHERE ${of('usage_hours', 'hour')}`],
    found: { markers: ['has no rows in usage_hours'] },
  },
  'completeness of an hour': {
    plant: ({ of }) => [
      `INSERT INTO completeness_hours SELECT hour, run, 'checkout', 'other', 1, 1 FROM published_hours WHERE ${of('published_hours', 'hour')}`,
    ],
    found: { usage_hours: ['completeness_hours is not what completeness_slots sums to'] },
  },
  'a blocked request that went away': {
    plant: ({ ofSlot }) => [`DELETE FROM blocked_spans WHERE ${ofSlot} AND span = 1`],
    found: { blocked_spans: ['has 1 blocked span in decision_spans that blocked_spans does not have'] },
  },
  'a marker of a run that nobody wrote': {
    plant: ({ of }) => [
      `INSERT INTO published_slots SELECT * REPLACE (run + 2 AS run) FROM published_slots WHERE ${of('published_slots', 'slot')} ORDER BY slot LIMIT 1`,
    ],
    found: { markers: ['has no rows in usage_minutes', 'has no rows in completeness_slots'] },
  },
  'raw spans of a slot that no ledger knows': {
    plant: ({ span }) => [span('minute + 1800 AS minute')],
    found: { raw_spans: ['has 1 span with 2 decisions in decision_spans and no number of a write'] },
  },
};

test('each fault is found in its hour, and no other is', async () => {
  const line = await pipeline();
  const starts = Object.keys(FAULTS).map((_, index) => START - (index + 2) * HOUR);
  for (const start of starts)
    await line.writer.write(SPANS.map((span) => ({ ...span, time: span.time - START + start })));
  await line.publisher.tick();
  expect(found(await verified(line))).toEqual({});

  const planted = Object.values(FAULTS);
  for (const [index, { plant }] of planted.entries()) {
    const start = starts[index] as number;
    const of = (table: string, column = 'minute') =>
      `${table}.${column} >= ${time(start)} AND ${table}.${column} < ${time(start + HOUR)}`;
    const ofSlot = `minute >= ${time(start)} AND minute < ${time(start + 10 * MINUTE)}`;
    const span = (replace: string) =>
      `INSERT INTO decision_spans SELECT * REPLACE (${replace}) FROM decision_spans WHERE ${of('decision_spans')} AND decision_spans.span = 2`;
    for (const query of plant({ of, ofSlot, span })) await run(line, query);
  }
  const { checks } = await verified(line);
  const byHour = planted.map((_, index) => {
    const start = starts[index] as number;
    const ofHour = checks.map(
      ({ name, findings }) =>
        [
          name,
          findings
            .filter(({ time }) => Math.floor(Date.parse(time) / HOUR) * HOUR === start)
            .map(({ sentence }) => sentence),
        ] as const,
    );
    return Object.fromEntries(ofHour.filter(([, sentences]) => sentences.length > 0));
  });
  expect(Object.fromEntries(Object.keys(FAULTS).map((what, index) => [what, byHour[index]]))).toEqual(
    Object.fromEntries(
      Object.entries(FAULTS).map(([what, { found }]) => [
        what,
        Object.fromEntries(
          Object.entries(found).map(([check, texts]) => [
            check,
            texts.map((text) => expect.stringContaining(text)),
          ]),
        ),
      ]),
    ),
  );
});

/** What is wrong with a row of usage, and the end of the sentence about it. */
const BAD_ROWS: readonly (readonly [replace: string, sentence: string])[] = [
  // As heap memory in the place of a text looked.
  [`unhex('68747470ff00fe') AS origin`, 'a value of origin that is not valid UTF-8'],
  [`'a\\x1b[31m' AS route`, 'control characters in route, which decoding takes out'],
  [`'\u202eexe' AS api_host`, 'control characters in api_host, which decoding takes out'],
  [`repeat('x', 300) AS detail`, 'a value of detail longer than 256 characters, at which decoding cuts it'],
  [`'navigation' AS kind`, 'an unknown value of kind'],
  [`'denied' AS verdict, 'acao_missing' AS reason`, 'an unknown value of verdict'],
  [`'unknown' AS verdict, 'because' AS reason`, 'an unknown value of reason'],
  [`'allowed' AS verdict, 'acao_missing' AS reason`, 'a reason and are allowed, or have none and are not'],
  [`'' AS credentials`, 'an unknown value of credentials'],
  [`'*' AS allow_origin`, 'an unknown value of allow_origin'],
  [`'same_site' AS site`, 'an unknown value of site'],
  [`'proxy' AS observer`, 'an unknown value of observer'],
  [`'guessed' AS source`, 'an unknown value of source'],
  ['42 AS status_code', 'a status_code that is not a valid HTTP status'],
  ['-5 AS max_age', 'a negative max_age'],
];

test('rows that no encoder could have written are found among raw and published ones', async () => {
  const line = await pipeline();
  await line.writer.write(SPANS);
  for (const [index, [replace]] of BAD_ROWS.entries()) {
    await run(
      line,
      `INSERT INTO decision_spans SELECT * REPLACE (${replace}, ${700 + index} AS span)
       FROM decision_spans WHERE decision_spans.span = 2`,
    );
  }
  line.at(HOUR_CLOSED);
  await line.publisher.tick();
  const sentences = found(await verified(line, { mostFindings: 100 }));
  expect(Object.keys(sentences)).toEqual(['rows']);
  for (const table of ['decision_spans', 'usage_minutes', 'usage_hours']) {
    const ofTable = (sentences.rows ?? []).filter((sentence) =>
      sentence.startsWith(`Rows of ${table} have `),
    );
    const said = ofTable.map((sentence) =>
      sentence.slice(`Rows of ${table} have `.length).replace(/: 1 row, the first of .*/, ''),
    );
    expect(said.sort()).toEqual(BAD_ROWS.map(([, sentence]) => sentence).sort());
  }
});

test('beside a collector that writes and publishes all the time nothing is found', {
  timeout: 120_000,
}, async () => {
  const line = await published();
  const { clickHouse, writer, publisher } = line;
  let isOver = false;
  let written = 0;
  async function goOn(work: () => Promise<unknown>): Promise<void> {
    while (!isOver) await work();
  }
  const work = Promise.all([
    goOn(async () => {
      written++;
      await writer.write(
        decisionSpans(3, (index) => ({
          time: START + ((written + index) % 60) * MINUTE,
          spanId: (10_000 + written * 3 + index).toString(16).padStart(16, '0'),
          ...(index === 0 && blocked),
        })),
      );
    }),
    goOn(() => publisher.tick()),
    goOn(() => publisher.clean()),
  ]);
  try {
    for (let time = 0; time < 2; time++) {
      const before = written;
      expect(
        found(
          await verify(clickHouse.reading, { now: line.now(), pause: () => until(() => written > before) }),
        ),
      ).toEqual({});
      expect(written).toBeGreaterThan(before);
    }
  } finally {
    isOver = true;
    await work;
  }
  await publisher.tick();
  expect(await verified(line)).toMatchObject({ ok: true, information: [] });
});

test('impossible times and derivations are found', async () => {
  const line = await published();
  const into = (table: string, replace: string) =>
    run(
      line,
      // Of the row as it was written, not of one that was planted before.
      `INSERT INTO ${table} SELECT * REPLACE (${replace}) FROM (
         SELECT * FROM ${table} WHERE span = 4 AND toSecond(minute) = 0 AND toYear(minute) BETWEEN 2020 AND 2100
         ORDER BY derivation LIMIT 1)`,
    );
  await into('decision_spans', `toDateTime('1999-12-31 23:59:00', 'UTC') AS minute`);
  await into('decision_spans', `toDateTime('2105-01-01 00:00:00', 'UTC') AS minute`);
  await into('blocked_spans', `minute + 1 AS minute`);
  await into('blocked_spans', `7 AS derivation`);
  await into('blocked_spans', `time + 3600 AS time`);
  expect(found(await verified(line))).toEqual({
    rows: [
      expect.stringMatching(
        /^Rows of decision_spans have a minute before 2020: 1 row, the first of 1999-12-31T23:59:00Z/,
      ),
      expect.stringMatching(/^Rows of decision_spans have a minute more than a day ahead of the clock/),
      expect.stringMatching(/^Rows of blocked_spans have a minute that is not a full one/),
      expect.stringMatching(/^Rows of blocked_spans have a time that is not of their minute: 2 rows/),
      expect.stringMatching(
        /^Rows of blocked_spans have a derivation that this version of Originscope does not know/,
      ),
    ],
  });
});

test('a day that was dropped before its publication is found, also when it was published empty since', async () => {
  const line = await pipeline();
  await line.writer.write(SPANS);
  await run(line, 'TRUNCATE TABLE decision_spans');
  line.at(HOUR_CLOSED);
  const expected = {
    dropped_days: [
      expect.stringMatching(
        /^The raw spans of 2 slots of \S+ were dropped before they were published.*rebuild --since/,
      ),
    ],
  };
  expect(found(await verified(line))).toEqual(expected);
  await line.publisher.tick();
  expect(found(await verified(line))).toEqual(expected);
});

test('a broken database gives a bounded list', async () => {
  const line = await pipeline();
  await line.writer.write(decisionSpans(300, (index) => ({ time: START - 40 * HOUR + index * 6 * MINUTE })));
  line.at(0);
  await line.publisher.tick();
  await run(line, 'TRUNCATE TABLE usage_minutes');
  const { checks } = await verified(line);
  const markers = checks.find(({ name }) => name === 'markers');
  expect(markers?.findings).toHaveLength(20);
  expect(markers?.furtherFindings).toBeGreaterThan(100);
});
