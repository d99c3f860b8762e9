/** Lets pages of one shop read the answer; other pages get no CORS headers. */
export function allowShop(request, response) {
  if (request.headers.origin !== 'https://shop.example') return;
  response.setHeader('access-control-allow-origin', 'https://shop.example');
  response.setHeader('access-control-allow-credentials', 'true');
  response.setHeader('access-control-allow-headers', 'content-type');
}
