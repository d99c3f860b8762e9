import { expect, test } from 'vitest';
import { DASHBOARDS } from '../definitions/dashboards.ts';
import { PROMETHEUS } from '../definitions/prometheus.ts';

/**
 * The ids are part of URLs and of alert rules. The file is reviewed: lines are added and titles change, but no id
 * that was released gets another panel, and the id of a removed panel stays unused.
 */
test('panels keep their ids', async () => {
  const lines = [...DASHBOARDS, PROMETHEUS].flatMap(({ uid, rows }) => {
    const panels = rows.flatMap(({ panels }) => panels.map(({ id, title }) => ({ id, title })));
    expect(new Set(panels.map(({ id }) => id)).size, uid).toBe(panels.length);
    return panels.toSorted((a, b) => a.id - b.id).map(({ id, title }) => `${uid} ${id} ${title}`);
  });
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('panel-ids.txt');
});
