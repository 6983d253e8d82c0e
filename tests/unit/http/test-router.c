/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-error.h"
#include "fake-carrier.h"
#include "http/kv-http-problem.h"

#include <string.h>

static void
test_methods (FakeDoor *door, gconstpointer unused)
{
  g_assert_cmpint (kv_http_method_parse ("GET", 3), ==, KV_HTTP_GET);
  g_assert_cmpint (kv_http_method_parse ("HEAD", 4), ==, KV_HTTP_HEAD);
  g_assert_cmpint (kv_http_method_parse ("PUT", 3), ==, KV_HTTP_PUT);
  g_assert_cmpint (kv_http_method_parse ("POST", 4), ==, KV_HTTP_POST);
  g_assert_cmpint (kv_http_method_parse ("DELETE", 6), ==, KV_HTTP_DELETE);
  g_assert_cmpint (kv_http_method_parse ("OPTIONS", 7), ==, KV_HTTP_OPTIONS);
  g_assert_cmpint (kv_http_method_parse ("get", 3), ==, KV_HTTP_OTHER);
  g_assert_cmpint (kv_http_method_parse ("GETS", 4), ==, KV_HTTP_OTHER);
  g_assert_cmpint (kv_http_method_parse ("GETS", 2), ==, KV_HTTP_OTHER);
  g_assert_cmpint (kv_http_method_parse ("", 0), ==, KV_HTTP_OTHER);
}

static void
test_unknown_paths (FakeDoor *door, gconstpointer unused)
{
  static const char *const targets[] = {
    "/",         "/store",   "/stor/a",       "/Store/a",       "/store/a/b", "/store/a/",
    "/batch/",   "/batches", "/status/",      "/store/cas/a/b", "/watch_key", "/watch/",
    "//store/a", "/v1/kv",   "/watch_key/a/", "store/a",        "*",          "/store//a"
  };

  for (guint i = 0; i < G_N_ELEMENTS (targets); i++)
    g_assert_cmpuint (fake_door_get (door, targets[i]), ==, 404);
}

static void
assert_allow (FakeDoor *door,
              const char *method,
              const char *target,
              guint status,
              const char *allow)
{
  g_auto (FakeAnswer) answer = { .fd = -1 };

  fake_door_ask (door, method, target, NULL, NULL, &answer);
  g_assert_cmpuint (answer.status, ==, status);
  g_assert_cmpstr (fake_answer_get_header (&answer, "Allow"), ==, allow);
}

static void
test_wrong_methods (FakeDoor *door, gconstpointer unused)
{
  assert_allow (door, "POST", "/store/a", 405, "GET, HEAD, PUT, DELETE, OPTIONS");
  assert_allow (door, "PATCH", "/store/a", 405, "GET, HEAD, PUT, DELETE, OPTIONS");
  assert_allow (door, "put", "/store/a", 405, "GET, HEAD, PUT, DELETE, OPTIONS");
  assert_allow (door, "GET", "/store/cas/a", 405, "POST, OPTIONS");
  assert_allow (door, "PUT", "/store/cas/a", 405, "POST, OPTIONS");
  assert_allow (door, "HEAD", "/store/cas/a", 405, "POST, OPTIONS");
  assert_allow (door, "GET", "/store/cas/", 405, "POST, OPTIONS");
  assert_allow (door, "POST", "/watch_key/a", 405, "GET, HEAD, OPTIONS");
  assert_allow (door, "GET", "/watch", 405, "POST, OPTIONS");
  assert_allow (door, "GET", "/batch", 405, "POST, OPTIONS");
  assert_allow (door, "DELETE", "/status", 405, "GET, HEAD, OPTIONS");
  assert_allow (door, "POST", "/v1/dump", 405, "GET, HEAD, OPTIONS");
  assert_allow (door, "GET", "/v1/restore", 405, "POST, OPTIONS");
}

static void
test_options (FakeDoor *door, gconstpointer unused)
{
  assert_allow (door, "OPTIONS", "/store/a", 204, "GET, HEAD, PUT, DELETE, OPTIONS");
  assert_allow (door, "OPTIONS", "/store/cas/a", 204, "POST, OPTIONS");
  assert_allow (door, "OPTIONS", "/status", 204, "GET, HEAD, OPTIONS");
  assert_allow (door, "OPTIONS", "/nothing", 404, NULL);
}

static void
test_cas_is_a_key_too (FakeDoor *door, gconstpointer unused)
{
  g_assert_cmpuint (fake_door_put (door, "/store/cas", "v"), ==, 201);
  fake_door_assert_value (door, "/store/cas", "v");
}

static void
test_body_limits (FakeDoor *door, gconstpointer unused)
{
  static const struct {
    const char *method;
    const char *target;
    gsize limit;
  } cases[] = {
    { "PUT", "/store/a", 1000 },          { "POST", "/batch", 100000 },
    { "POST", "/watch", 100000 },         { "POST", "/store/cas/a", 100000 },
    { "GET", "/store/a", 64 * 1024 },     { "DELETE", "/store/a", 64 * 1024 },
    { "POST", "/v1/restore", G_MAXSIZE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (FakeAnswer) answer = { .fd = -1 };

      fake_door_ask (door, cases[i].method, cases[i].target, "application/json", "{", &answer);
      g_assert_cmpuint (answer.body_limit, ==, cases[i].limit);
    }
}

static void
test_content_types (FakeDoor *door, gconstpointer unused)
{
  static const char *const good[] = { "application/json",
                                      "Application/JSON",
                                      "application/json; charset=utf-8",
                                      "application/json;charset=utf-8",
                                      "application/json ; x",
                                      "application/vnd.api+json",
                                      "application/problem+JSON; a=b",
                                      " application/json " };
  static const char *const bad[] = { "",
                                     "text/plain",
                                     "application/jsonp",
                                     "application/x-json",
                                     "application/json, text/plain",
                                     "json",
                                     "application/",
                                     "application",
                                     "application/+json",
                                     "text/x+json",
                                     "text/json",
                                     "text/plain; application/json",
                                     "multipart/form-data",
                                     "application/x-www-form-urlencoded",
                                     ";application/json",
                                     "application/json+xml" };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    g_assert_cmpuint (fake_door_get_status (door, "POST", "/batch", good[i], "[]"), ==, 200);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_cmpuint (fake_door_get_status (door, "POST", "/batch", bad[i], "[]"), ==, 415);
  g_assert_cmpuint (fake_door_get_status (door, "POST", "/batch", NULL, "[]"), ==, 415);
  g_assert_cmpuint (fake_door_get_status (door, "POST", "/watch", NULL, "[\"a\"]"), ==, 415);
  g_assert_cmpuint (fake_door_get_status (door, "POST", "/store/cas/a", NULL, "{}"), ==, 415);
  g_assert_cmpuint (fake_door_get_status (door, "PUT", "/store/a", "application/octet-stream", "v"),
                    ==, 201);
}

static void
test_refusal_has_text (FakeDoor *door, gconstpointer unused)
{
  g_auto (FakeAnswer) answer = { .fd = -1 };

  fake_door_ask (door, "GET", "/nothing", NULL, NULL, &answer);
  g_assert_cmpstr (fake_answer_get_header (&answer, "Content-Type"), ==,
                   "text/plain; charset=utf-8");
  g_assert_cmpstr (fake_answer_get_header (&answer, "X-Content-Type-Options"), ==, "nosniff");
  g_assert_cmpuint (answer.body->len, >, 1);
  g_assert_true (strchr (answer.body->str, '\n') == answer.body->str + answer.body->len - 1);
}

static void
test_error_statuses (FakeDoor *door, gconstpointer unused)
{
  static const guint statuses[] = {
    [KV_ERROR_FAILED] = 500,           [KV_ERROR_NOT_FOUND] = 404,
    [KV_ERROR_CONDITION_FAILED] = 412, [KV_ERROR_INVALID_KEY] = 400,
    [KV_ERROR_INVALID_VALUE] = 400,    [KV_ERROR_INVALID_ARGUMENT] = 400,
    [KV_ERROR_UNPROCESSABLE] = 422,    [KV_ERROR_NOT_A_NUMBER] = 409,
    [KV_ERROR_TOO_LARGE] = 413,        [KV_ERROR_LIMIT_EXCEEDED] = 429,
    [KV_ERROR_NOT_AUTHORIZED] = 403,   [KV_ERROR_UNAVAILABLE] = 503,
    [KV_ERROR_OUT_OF_REACH] = 410,
  };
  g_autoptr (GError) other = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "Cancelled");

  g_assert_cmpuint (G_N_ELEMENTS (statuses), ==, KV_N_ERRORS);
  for (guint i = 0; i < KV_N_ERRORS; i++)
    {
      g_autoptr (GError) error = g_error_new_literal (KV_ERROR, (int) i, "Text");

      g_assert_cmpuint (kv_http_problem_get_status (kv_http_problem_from_error (error)), ==,
                        statuses[i]);
    }
  g_assert_cmpint (kv_http_problem_from_error (other), ==, KV_HTTP_PROBLEM_INTERNAL_ERROR);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define TEST(path, func)                                                                           \
  g_test_add ("/http/" path, FakeDoor, NULL, fake_door_set_up, func, fake_door_tear_down)
  TEST ("router/methods-are-case-sensitive", test_methods);
  TEST ("router/unknown-paths", test_unknown_paths);
  TEST ("router/wrong-methods", test_wrong_methods);
  TEST ("router/options", test_options);
  TEST ("router/cas-is-a-key-too", test_cas_is_a_key_too);
  TEST ("router/body-limits", test_body_limits);
  TEST ("router/content-types", test_content_types);
  TEST ("router/a-refusal-has-a-line-of-text", test_refusal_has_text);
  TEST ("router/every-error-has-its-status", test_error_statuses);
  return g_test_run ();
}
