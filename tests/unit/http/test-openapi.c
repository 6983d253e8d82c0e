/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/kv-http-json.h"
#include "http/kv-http-router.h"
#include "http/routes/kv-route-openapi.h"

/* Returns: (transfer full): what the program says of its paths */
static json_t *
load_paths (void)
{
  gsize length;
  const char *text = g_bytes_get_data (kv_route_openapi_get_description (), &length);
  g_autoptr (json_t) description = json_loadb (text, length, JSON_REJECT_DUPLICATES, NULL);
  json_t *paths = json_object_get (description, "paths");

  g_assert_true (json_is_object (paths));
  return json_incref (paths);
}

/* Returns: (transfer full) (element-type utf8 utf8): lines such as "get /store/{key}", of all routes */
static GHashTable *
list_routes (void)
{
  GHashTable *lines = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  const KvHttpRoute *route;

  for (guint i = 1; (route = kv_http_router_get_route (i)) != NULL; i++)
    {
      g_autofree char *method = g_ascii_strdown (kv_http_method_get_name (route->method), -1);

      if (route->method == KV_HTTP_OPTIONS)
        continue;
      g_hash_table_add (lines, g_strdup_printf ("%s %s", method, route->pattern));
      g_hash_table_add (lines, g_strdup_printf ("options %s", route->pattern));
      if (route->method == KV_HTTP_GET)
        g_hash_table_add (lines, g_strdup_printf ("head %s", route->pattern));
    }
  g_assert_cmpuint (g_hash_table_size (lines), >, 20);
  return lines;
}

static void
test_describes_the_routes (void)
{
  g_autoptr (json_t) paths = load_paths ();
  g_autoptr (GHashTable) routes = list_routes ();
  const char *path, *method, *line;
  json_t *item, *operation;
  GHashTableIter iter;

  json_object_foreach (paths, path, item)
  {
    json_object_foreach (item, method, operation)
    {
      g_autofree char *described = g_strdup_printf ("%s %s", method, path);

      if (json_is_object (operation) && !g_hash_table_remove (routes, described))
        g_test_fail_printf ("%s is described, and there is no such route", described);
    }
  }
  g_hash_table_iter_init (&iter, routes);
  while (g_hash_table_iter_next (&iter, (gpointer *) &line, NULL))
    g_test_fail_printf ("%s is a route, and not described", line);
}

/* A route that takes a body has one described, with the types that it takes. */
static void
test_describes_the_bodies (void)
{
  static const char *const types[][2] = {
    [KV_HTTP_BODY_NONE] = { NULL, NULL },
    [KV_HTTP_BODY_VALUE] = { "text/plain", "application/octet-stream" },
    [KV_HTTP_BODY_JSON] = { "application/json", NULL },
    [KV_HTTP_BODY_STREAM] = { "application/x-ndjson", "application/json" },
  };
  g_autoptr (json_t) paths = load_paths ();
  const KvHttpRoute *route;

  for (guint i = 1; (route = kv_http_router_get_route (i)) != NULL; i++)
    {
      g_autofree char *method = g_ascii_strdown (kv_http_method_get_name (route->method), -1);
      const json_t *operation = json_object_get (json_object_get (paths, route->pattern), method);
      const json_t *content =
        json_object_get (json_object_get (operation, "requestBody"), "content");
      gsize expected = 0;

      g_test_message ("%s %s", method, route->pattern);
      for (guint j = 0; j < G_N_ELEMENTS (types[0]) && types[route->body][j] != NULL; j++)
        {
          g_assert_nonnull (json_object_get (content, types[route->body][j]));
          expected++;
        }
      g_assert_cmpuint (json_object_size (content), ==, expected);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/http/openapi/describes-the-routes", test_describes_the_routes);
  g_test_add_func ("/http/openapi/describes-the-bodies", test_describes_the_bodies);
  return g_test_run ();
}
