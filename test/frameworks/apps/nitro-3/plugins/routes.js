import { setRoute } from '@originscope/instrumentation-cors';

export default (nitroApp) =>
  nitroApp.hooks.hook('response', (_response, { req }) =>
    setRoute(req.runtime?.node?.req, req.context?.matchedRoute?.route),
  );
