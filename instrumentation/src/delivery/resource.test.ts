import { expect, test } from 'vitest';
import { resourceOf } from './resource.ts';

test('the resource comes from the standard variables, the service name from its own one first', () => {
  const env = {
    OTEL_SERVICE_NAME: 'checkout',
    OTEL_RESOURCE_ATTRIBUTES:
      'service.name=other,service.version=1.2%2C3, deployment.environment.name = prod',
  };
  expect(resourceOf(env)).toMatchObject({
    'service.name': 'checkout',
    'service.version': '1.2,3',
    'deployment.environment.name': 'prod',
  });
  expect(resourceOf({ OTEL_RESOURCE_ATTRIBUTES: 'service.name=other' })['service.name']).toBe('other');
  expect(resourceOf({})['service.name']).toBe('unknown_service:node');
});

test('no two recorders have the same instance id, not even when the environment gives both the same', () => {
  const env = { OTEL_RESOURCE_ATTRIBUTES: `service.instance.id=pod-1${'x'.repeat(200)}` };
  const [first, second] = [resourceOf(env)['service.instance.id'], resourceOf(env)['service.instance.id']];
  expect(first).toMatch(/^pod-1x+\/[0-9a-f]{8}$/);
  expect(String(first).length).toBeLessThan(128);
  expect(second).not.toBe(first);
  expect(resourceOf({})['service.instance.id']).not.toBe(resourceOf({})['service.instance.id']);
});
