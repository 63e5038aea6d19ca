// Start Swagger UI from a file of its own: the content security policy allows no
// inline script.
window.SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger",
  deepLinking: true,
  validatorUrl: null,
});
