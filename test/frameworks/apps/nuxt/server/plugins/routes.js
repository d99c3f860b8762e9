import { setRoute } from '@originscope/instrumentation-cors';

export default (nitroApp) =>
  nitroApp.hooks.hook('beforeResponse', (event) =>
    setRoute(event.node.req, event.context.matchedRoute?.path),
  );
