/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "fake-carrier.h"

#include <jansson.h>
#include <string.h>

static void
test_get (FakeDoor *door, gconstpointer unused)
{
  static const char *const methods[] = { "GET", "HEAD" };
  guint64 revision = kv_store_put (door->store, "a", "value", -1, NULL);
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT, revision);
  g_autofree char *etag = g_strdup_printf ("\"%s\"", text);

  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      g_auto (FakeAnswer) answer = { .fd = -1 };

      fake_door_ask (door, methods[i], "/store/a?ignored=%zz", NULL, NULL, &answer);
      g_assert_cmpuint (answer.status, ==, 200);
      g_assert_cmpstr (answer.body->str, ==, "value");
      g_assert_cmpstr (fake_answer_get_header (&answer, "Content-Type"), ==,
                       "text/plain; charset=utf-8");
      g_assert_cmpstr (fake_answer_get_header (&answer, "X-Content-Type-Options"), ==, "nosniff");
      g_assert_cmpstr (fake_answer_get_header (&answer, "Cache-Control"), ==, "no-cache");
      g_assert_cmpstr (fake_answer_get_header (&answer, "ETag"), ==, etag);
      g_assert_cmpstr (fake_answer_get_header (&answer, "KV-Revision"), ==, text);
    }
}

static void
test_get_absent (FakeDoor *door, gconstpointer unused)
{
  static const char *const methods[] = { "GET", "HEAD", "DELETE" };

  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      g_auto (FakeAnswer) answer = { .fd = -1 };

      fake_door_ask (door, methods[i], "/store/a", NULL, NULL, &answer);
      g_assert_cmpuint (answer.status, ==, 404);
      g_assert_cmpuint (answer.body->len, ==, 0);
      g_assert_null (fake_answer_get_header (&answer, "ETag"));
    }
}

static void
test_put (FakeDoor *door, gconstpointer unused)
{
  for (guint i = 0; i < 2; i++)
    {
      g_auto (FakeAnswer) answer = { .fd = -1 };
      g_autofree char *revision = NULL;

      fake_door_ask (door, "PUT", "/store/a%2Fb", "whatever", i == 0 ? "one" : "two", &answer);
      revision = g_strdup_printf ("%" G_GUINT64_FORMAT, kv_store_get_revision (door->store));
      g_assert_cmpuint (answer.status, ==, i == 0 ? 201 : 204);
      g_assert_cmpuint (answer.body->len, ==, 0);
      g_assert_cmpstr (fake_answer_get_header (&answer, "KV-Revision"), ==, revision);
    }
  fake_door_assert_value (door, "/store/a%2fb", "two");
  g_assert_cmpuint (fake_door_get (door, "/store/a/b"), ==, 404);
  g_assert_cmpuint (fake_door_put (door, "/store/empty", ""), ==, 201);
  fake_door_assert_value (door, "/store/empty", "");
  g_assert_cmpuint (fake_door_put (door, "/store/none", NULL), ==, 201);
  fake_door_assert_value (door, "/store/none", "");
}

static void
test_put_nul (FakeDoor *door, gconstpointer unused)
{
  const FakeRequest request = { .method = "PUT",
                                .target = "/store/a",
                                .body = "x\0y",
                                .body_length = 3 };
  g_auto (FakeAnswer) put = { .fd = -1 };
  g_auto (FakeAnswer) got = { .fd = -1 };

  fake_exchange (&door->context, NULL, &request, &put);
  g_assert_cmpuint (put.status, ==, 201);
  fake_door_ask (door, "GET", "/store/a", NULL, NULL, &got);
  g_assert_cmpmem (got.body->str, got.body->len, "x\0y", 3);
}

static void
test_put_bad_values (FakeDoor *door, gconstpointer unused)
{
  g_autofree char *longest = g_strnfill (door->limits.max_value_size, 'v');
  g_autofree char *longer = g_strnfill (door->limits.max_value_size + 1, 'v');

  g_assert_cmpuint (fake_door_put (door, "/store/a", "\xff"), ==, 400);
  g_assert_cmpuint (fake_door_put (door, "/store/a", "ok\xc3"), ==, 400);
  g_assert_cmpuint (fake_door_put (door, "/store/a", "\xed\xa0\x80"), ==, 400);
  g_assert_cmpuint (fake_door_put (door, "/store/a", longer), ==, 413);
  g_assert_cmpuint (kv_store_count (door->store), ==, 0);
  g_assert_cmpuint (fake_door_put (door, "/store/a", longest), ==, 201);
}

static void
test_ttl (FakeDoor *door, gconstpointer unused)
{
  static const char *const forever[] = { "",
                                         "?",
                                         "?ttl=18446744073709551615",
                                         "?ttl=018446744073709551615",
                                         "?ttl=9223372036854775807",
                                         "?other=-1",
                                         "?ttls=abc",
                                         "?TTL=abc" };
  g_autoptr (KvEntry) entry = NULL;
  gint64 before = kv_clock_now ();

  g_assert_cmpuint (fake_door_put (door, "/store/a?x=1&ttl=60", "v"), ==, 201);
  entry = kv_store_lookup (door->store, "a", -1);
  g_assert_cmpint (kv_entry_get_deadline (entry), >=, before + 60 * G_USEC_PER_SEC);
  g_assert_cmpint (kv_entry_get_deadline (entry), <=, kv_clock_now () + 60 * G_USEC_PER_SEC);

  for (guint i = 0; i < G_N_ELEMENTS (forever); i++)
    {
      g_autofree char *target = g_strconcat ("/store/a", forever[i], NULL);

      g_assert_cmpuint (fake_door_put (door, "/store/a?ttl=60", "v"), ==, 204);
      g_assert_cmpuint (fake_door_put (door, target, "v"), ==, 204);
      g_clear_pointer (&entry, kv_entry_unref);
      entry = kv_store_lookup (door->store, "a", -1);
      g_assert_cmpint (kv_entry_get_deadline (entry), ==, KV_NO_DEADLINE);
    }
}

static void
test_ttl_zero (FakeDoor *door, gconstpointer unused)
{
  g_assert_cmpuint (fake_door_put (door, "/store/a?ttl=0", "v"), ==, 201);
  g_assert_cmpuint (fake_door_get (door, "/store/a"), ==, 404);
  g_assert_cmpuint (fake_door_put (door, "/store/a", "v"), ==, 201);
  g_assert_cmpuint (fake_door_put (door, "/store/a?ttl=0", "v"), ==, 204);
  g_assert_cmpuint (fake_door_get (door, "/store/a"), ==, 404);
  g_assert_cmpuint (fake_door_delete (door, "/store/a"), ==, 404);
}

static void
test_bad_ttl (FakeDoor *door, gconstpointer unused)
{
  static const char *const queries[] = { "ttl=",
                                         "ttl=18446744073709551616",
                                         "ttl=99999999999999999999",
                                         "ttl",
                                         "ttl=-1",
                                         "ttl=1.5",
                                         "ttl=abc",
                                         "ttl=+5",
                                         "ttl=%2B5",
                                         "ttl=5s",
                                         "ttl=%205",
                                         "ttl=1&ttl=2",
                                         "ttl=1&ttl=1",
                                         "ttl=1e3",
                                         "ttl=0x10",
                                         "ttl=%",
                                         "ttl=%zz",
                                         "ttl=5%00",
                                         "ttl=100000000000000000000",
                                         "ttl=NaN",
                                         "a=1&ttl=x",
                                         "ttl=1;ttl=2" };
  guint64 revision = kv_store_get_revision (door->store);

  for (guint i = 0; i < G_N_ELEMENTS (queries); i++)
    {
      g_autofree char *target = g_strconcat ("/store/a?", queries[i], NULL);

      g_assert_cmpuint (fake_door_put (door, target, "v"), ==, 400);
    }
  g_assert_cmpuint (kv_store_count (door->store), ==, 0);
  g_assert_cmpuint (kv_store_get_revision (door->store), ==, revision);
}

static void
test_bad_keys (FakeDoor *door, gconstpointer unused)
{
  static const char *const keys[] = {
    "", "%", "%4", "%zz", "%FF", "%C0%AF", "%00", "a%0Ab", "%7F"
  };
  g_autofree char *longer = g_strnfill (KV_KEY_MAX_BYTES + 1, 'k');

  for (guint i = 0; i <= G_N_ELEMENTS (keys); i++)
    {
      const char *key = i < G_N_ELEMENTS (keys) ? keys[i] : longer;
      g_autofree char *store = g_strconcat ("/store/", key, NULL);
      g_autofree char *cas = g_strconcat ("/store/cas/", key, NULL);
      g_autofree char *watch = g_strconcat ("/watch_key/", key, NULL);

      g_assert_cmpuint (fake_door_get (door, store), ==, 400);
      g_assert_cmpuint (fake_door_put (door, store, "v"), ==, 400);
      g_assert_cmpuint (fake_door_delete (door, store), ==, 400);
      g_assert_cmpuint (fake_door_post (door, cas, "{\"expected\":\"a\",\"new\":\"b\"}"), ==, 400);
      g_assert_cmpuint (fake_door_get (door, watch), ==, 400);
      g_assert_cmpuint (fake_door_get_status (door, "HEAD", watch, NULL, NULL), ==, 400);
    }
  g_assert_cmpuint (kv_store_count (door->store), ==, 0);
}

static void
test_delete (FakeDoor *door, gconstpointer unused)
{
  g_assert_cmpuint (fake_door_put (door, "/store/a", "v"), ==, 201);
  g_assert_cmpuint (fake_door_delete (door, "/store/a"), ==, 204);
  g_assert_cmpuint (fake_door_delete (door, "/store/a"), ==, 404);
  g_assert_cmpuint (fake_door_put (door, "/store/a", "v"), ==, 201);
}

static void
test_cas (FakeDoor *door, gconstpointer unused)
{
  g_auto (FakeAnswer) absent = { .fd = -1 };

  fake_door_ask (door, "POST", "/store/cas/a", "application/json",
                 "{\"expected\":\"1\",\"new\":\"2\"}", &absent);
  g_assert_cmpuint (absent.status, ==, 404);
  g_assert_cmpuint (absent.body->len, ==, 0);
  g_assert_cmpuint (fake_door_put (door, "/store/a?ttl=60", "1"), ==, 201);
  g_assert_cmpuint (fake_door_post (door, "/store/cas/a", "{\"expected\":\"0\",\"new\":\"2\"}"), ==,
                    412);
  fake_door_assert_value (door, "/store/a", "1");
  g_assert_cmpuint (
    fake_door_post (door, "/store/cas/a", "{\"x\":[],\"expected\":\"1\",\"new\":\"2\"}"), ==, 204);
  fake_door_assert_value (door, "/store/a", "2");
  g_assert_cmpuint (fake_door_post (door, "/store/cas/a", "{\"expected\":\"2\",\"new\":\"\"}"), ==,
                    204);
  g_assert_cmpuint (
    fake_door_post (door, "/store/cas/a", "{\"expected\":\"\",\"new\":\"\\u0000\"}"), ==, 204);
  g_assert_cmpuint (fake_door_post (door, "/store/cas/a", "{\"expected\":\"\",\"new\":\"x\"}"), ==,
                    412);
  g_assert_cmpuint (
    fake_door_post (door, "/store/cas/a", "{\"expected\":\"\\u0000\",\"new\":\"x\"}"), ==, 204);
  fake_door_assert_value (door, "/store/a", "x");
}

static void
test_cas_refusals (FakeDoor *door, gconstpointer unused)
{
  static const struct {
    const char *body;
    guint status;
  } cases[] = {
    { "", 400 },
    { "{", 400 },
    { "{\"expected\":\"1\",\"new\":\"2\"", 400 },
    { "[]", 422 },
    { "\"text\"", 422 },
    { "{}", 422 },
    { "{\"expected\":\"1\"}", 422 },
    { "{\"new\":\"2\"}", 422 },
    { "{\"expected\":1,\"new\":\"2\"}", 422 },
    { "{\"expected\":\"1\",\"new\":null}", 422 },
    { "{\"expected\":\"1\",\"new\":\"2\",\"new\":\"3\"}", 422 },
  };
  g_autofree char *value = g_strnfill (door->limits.max_value_size + 1, 'v');
  g_autofree char *longer = g_strdup_printf ("{\"expected\":\"1\",\"new\":\"%s\"}", value);

  g_assert_cmpuint (fake_door_put (door, "/store/a", "1"), ==, 201);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpuint (fake_door_post (door, "/store/cas/a", cases[i].body), ==, cases[i].status);
  g_assert_cmpuint (fake_door_post (door, "/store/cas/a", longer), ==, 413);
  fake_door_assert_value (door, "/store/a", "1");
}

static void
test_deep_json (FakeDoor *door, gconstpointer unused)
{
  g_autofree char *deep = g_strnfill (100000, '[');

  g_assert_cmpuint (fake_door_post (door, "/batch", deep), ==, 400);
  g_assert_cmpuint (fake_door_post (door, "/watch", deep), ==, 400);
  g_assert_cmpuint (fake_door_post (door, "/store/cas/a", deep), ==, 400);
}

static void
test_watch_refusals (FakeDoor *door, gconstpointer unused)
{
  static const struct {
    const char *body;
    guint status;
  } cases[] = {
    { "", 400 },           { "[", 400 },
    { "[]", 400 },         { "[\"\"]", 400 },
    { "[\"a\\n\"]", 400 }, { "[\"a\\u0000b\"]", 400 },
    { "{}", 422 },         { "\"a\"", 422 },
    { "[1]", 422 },        { "[\"a\",null]", 422 },
    { "[[\"a\"]]", 422 },
  };
  static const char *const ids[] = { "", "-1", "abc", "1.5", " 1", "1,2", "111111111111111111111" };
  g_autofree char *more = fake_json_array (door->limits.max_batch + 1, "\"a\"");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpuint (fake_door_post (door, "/watch", cases[i].body), ==, cases[i].status);
  g_assert_cmpuint (fake_door_post (door, "/watch", more), ==, 413);
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      const FakeRequest request = { .method = "GET",
                                    .target = "/watch_key/a",
                                    .last_event_id = ids[i] };
      g_auto (FakeAnswer) answer = { .fd = -1 };

      fake_exchange (&door->context, NULL, &request, &answer);
      g_assert_cmpuint (answer.status, ==, 400);
    }
}

static void
test_watch_head (FakeDoor *door, gconstpointer unused)
{
  g_auto (FakeAnswer) answer = { .fd = -1 };

  fake_door_ask (door, "HEAD", "/watch_key/a", NULL, NULL, &answer);
  g_assert_cmpuint (answer.status, ==, 200);
  g_assert_cmpstr (fake_answer_get_header (&answer, "Content-Type"), ==, "text/event-stream");
  g_assert_cmpuint (answer.body->len, ==, 0);
}

static gint64
get_figure (const json_t *status, const char *name)
{
  const json_t *figure = json_object_get (status, name);

  g_assert_true (json_is_integer (figure));
  return json_integer_value (figure);
}

static void
test_status (FakeDoor *door, gconstpointer unused)
{
  static const char *const names[] = { "status",
                                       "uptime",
                                       "total_keys",
                                       "total_operations",
                                       "get_operations",
                                       "put_operations",
                                       "delete_operations",
                                       "cas_operations",
                                       "successful_cas_operations",
                                       "failed_cas_operations",
                                       "watch_requests_count",
                                       "batch_requests_count",
                                       "server_time",
                                       "version" };
  g_auto (FakeAnswer) answer = { .fd = -1 };
  const char *name, *time;
  json_t *status, *value;
  guint n = 0;

  g_assert_cmpuint (fake_door_put (door, "/store/a", "1"), ==, 201);
  g_assert_cmpuint (fake_door_put (door, "/store/b", "1"), ==, 201);
  g_assert_cmpuint (fake_door_put (door, "/store/b", "2"), ==, 204);
  g_assert_cmpuint (fake_door_get (door, "/store/a"), ==, 200);
  g_assert_cmpuint (fake_door_get (door, "/store/absent"), ==, 404);
  g_assert_cmpuint (fake_door_delete (door, "/store/b"), ==, 204);
  g_assert_cmpuint (fake_door_delete (door, "/store/b"), ==, 404);
  g_assert_cmpuint (fake_door_post (door, "/store/cas/a", "{\"expected\":\"1\",\"new\":\"2\"}"), ==,
                    204);
  g_assert_cmpuint (fake_door_post (door, "/store/cas/a", "{\"expected\":\"1\",\"new\":\"2\"}"), ==,
                    412);
  g_assert_cmpuint (fake_door_post (door, "/store/cas/x", "{\"expected\":\"1\",\"new\":\"2\"}"), ==,
                    404);

  fake_door_ask (door, "GET", "/status", NULL, NULL, &answer);
  g_assert_cmpuint (answer.status, ==, 200);
  g_assert_cmpstr (fake_answer_get_header (&answer, "Content-Type"), ==, "application/json");
  status = json_loadb (answer.body->str, answer.body->len, JSON_REJECT_DUPLICATES, NULL);
  json_object_foreach (status, name, value)
  {
    g_assert_cmpuint (n, <, G_N_ELEMENTS (names));
    g_assert_cmpstr (name, ==, names[n++]);
  }
  g_assert_cmpuint (n, ==, G_N_ELEMENTS (names));
  g_assert_cmpstr (json_string_value (json_object_get (status, "status")), ==, "OK");
  g_assert_cmpint (get_figure (status, "total_keys"), ==, 1);
  g_assert_cmpint (get_figure (status, "get_operations"), ==, 1);
  g_assert_cmpint (get_figure (status, "put_operations"), ==, 3);
  g_assert_cmpint (get_figure (status, "delete_operations"), ==, 1);
  g_assert_cmpint (get_figure (status, "cas_operations"), ==, 3);
  g_assert_cmpint (get_figure (status, "successful_cas_operations"), ==, 1);
  g_assert_cmpint (get_figure (status, "failed_cas_operations"), ==, 2);
  g_assert_cmpint (get_figure (status, "total_operations"), ==, 8);
  g_assert_cmpint (get_figure (status, "watch_requests_count"), ==, 0);
  g_assert_cmpint (get_figure (status, "batch_requests_count"), ==, 0);
  time = json_string_value (json_object_get (status, "server_time"));
  g_assert_true (g_regex_match_simple (
    "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}[+-]\\d\\d:\\d\\d$", time, 0, 0));
  g_assert_true (g_regex_match_simple ("^(\\d+d )?(\\d+h )?(\\d+m )?(\\d+s ?)?(\\d+ms)?$",
                                       json_string_value (json_object_get (status, "uptime")), 0,
                                       0));
  json_decref (status);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define TEST(path, func)                                                                           \
  g_test_add ("/http/" path, FakeDoor, NULL, fake_door_set_up, func, fake_door_tear_down)
  TEST ("routes/bad-keys", test_bad_keys);
  TEST ("routes/deep-json", test_deep_json);
  TEST ("routes/store/get", test_get);
  TEST ("routes/store/an-absent-key-has-an-empty-body", test_get_absent);
  TEST ("routes/store/put", test_put);
  TEST ("routes/store/put-nul", test_put_nul);
  TEST ("routes/store/put-bad-values", test_put_bad_values);
  TEST ("routes/store/ttl", test_ttl);
  TEST ("routes/store/ttl-zero-expires-at-once", test_ttl_zero);
  TEST ("routes/store/bad-ttl", test_bad_ttl);
  TEST ("routes/store/delete", test_delete);
  TEST ("routes/cas/swaps", test_cas);
  TEST ("routes/cas/refusals", test_cas_refusals);
  TEST ("routes/watch/refusals", test_watch_refusals);
  TEST ("routes/watch/head", test_watch_head);
  TEST ("routes/status", test_status);
  return g_test_run ();
}
