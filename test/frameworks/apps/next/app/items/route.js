function corsOf(request) {
  if (request.headers.get('origin') !== 'https://shop.example') return {};
  return {
    'access-control-allow-origin': 'https://shop.example',
    'access-control-allow-credentials': 'true',
    'access-control-allow-headers': 'content-type',
  };
}

export const GET = (request) => Response.json([], { headers: corsOf(request) });
export const OPTIONS = (request) => new Response(null, { status: 204, headers: corsOf(request) });
