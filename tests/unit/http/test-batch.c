/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "fake-carrier.h"
#include "http/routes/kv-route-batch.h"

#include <jansson.h>
#include <string.h>

static void
test_batch (FakeDoor *door, gconstpointer unused)
{
  g_auto (FakeAnswer) answer = { .fd = -1 };

  fake_door_ask (door, "POST", "/batch", "application/json",
                 "[{\"method\":\"GET\",\"key\":\"a\"},"
                 "{\"method\":\"PUT\",\"key\":\"a\",\"value\":\"caf\xc3\xa9\\n\\u0000\\\"\"},"
                 "{\"method\":\"GET\",\"key\":\"a\",\"extra\":{}},"
                 "{\"method\":\"PUT\",\"key\":\"a\",\"value\":\"2\",\"ttl\":60},"
                 "{\"method\":\"PUT\",\"key\":\"b\",\"value\":\"3\",\"ttl\":0},"
                 "{\"method\":\"GET\",\"key\":\"b\"},"
                 "{\"method\":\"PUT\",\"key\":\"c\",\"value\":\"\",\"ttl\":null},"
                 "{\"method\":\"DELETE\",\"key\":\"a\"},"
                 "{\"method\":\"DELETE\",\"key\":\"a\"}]",
                 &answer);
  g_assert_cmpuint (answer.status, ==, 200);
  g_assert_cmpstr (fake_answer_get_header (&answer, "Content-Type"), ==, "application/json");
  g_assert_cmpstr (answer.body->str, ==,
                   "[{\"status\":404},{\"status\":201},"
                   "{\"status\":200,\"value\":\"caf\xc3\xa9\\n\\u0000\\\"\"},"
                   "{\"status\":204},{\"status\":201},{\"status\":404},{\"status\":201},"
                   "{\"status\":204},{\"status\":404}]");
  fake_door_assert_value (door, "/store/c", "");
}

static void
test_empty_batch (FakeDoor *door, gconstpointer unused)
{
  g_auto (FakeAnswer) answer = { .fd = -1 };

  fake_door_ask (door, "POST", "/batch", "application/json", "[]", &answer);
  g_assert_cmpuint (answer.status, ==, 200);
  g_assert_cmpstr (answer.body->str, ==, "[]");
}

static void
test_batch_refusals (FakeDoor *door, gconstpointer unused)
{
  static const char *const entries[] = {
    "5",
    "null",
    "[]",
    "\"GET\"",
    "{}",
    "{\"method\":\"GET\"}",
    "{\"key\":\"a\"}",
    "{\"method\":\"get\",\"key\":\"a\"}",
    "{\"method\":\"HEAD\",\"key\":\"a\"}",
    "{\"method\":\"POST\",\"key\":\"a\"}",
    "{\"method\":\"\",\"key\":\"a\"}",
    "{\"method\":1,\"key\":\"a\"}",
    "{\"method\":\"GET\",\"key\":1}",
    "{\"method\":\"GET\",\"key\":\"\"}",
    "{\"method\":\"GET\",\"key\":\"a\\n\"}",
    "{\"method\":\"DELETE\",\"key\":\"a\\u0000b\"}",
    "{\"method\":\"PUT\",\"key\":\"a\"}",
    "{\"method\":\"PUT\",\"key\":\"a\",\"value\":1}",
    "{\"method\":\"PUT\",\"key\":\"a\",\"value\":null}",
    "{\"method\":\"PUT\",\"key\":\"\",\"value\":\"v\"}",
    "{\"method\":\"PUT\",\"key\":\"a\",\"value\":\"v\",\"ttl\":-1}",
    "{\"method\":\"PUT\",\"key\":\"a\",\"value\":\"v\",\"ttl\":1.5}",
    "{\"method\":\"PUT\",\"key\":\"a\",\"value\":\"v\",\"ttl\":\"1\"}",
    "{\"method\":\"PUT\",\"key\":\"a\",\"value\":\"v\",\"ttl\":true}",
    "{\"method\":\"PUT\",\"key\":\"a\",\"value\":\"v\",\"ttl\":99999999999999999999}",
    "{\"method\":\"PUT\",\"key\":\"a\",\"value\":\"v\",\"key\":\"b\"}"
  };
  const char *put = "{\"method\":\"PUT\",\"key\":\"stored\",\"value\":\"v\"}";

  for (guint i = 0; i < G_N_ELEMENTS (entries); i++)
    {
      g_autofree char *body = g_strdup_printf ("[%s,%s,%s]", put, entries[i], put);

      g_assert_cmpuint (fake_door_post (door, "/batch", body), ==, 422);
    }
  g_assert_cmpuint (fake_door_post (door, "/batch", "{}"), ==, 422);
  g_assert_cmpuint (fake_door_post (door, "/batch", "5"), ==, 422);
  g_assert_cmpuint (fake_door_post (door, "/batch", ""), ==, 400);
  g_assert_cmpuint (fake_door_post (door, "/batch", "["), ==, 400);
  g_assert_cmpuint (
    fake_door_post (door, "/batch", "[{\"method\":\"PUT\",\"key\":\"stored\",\"value\":\"v\"},]"),
    ==, 400);
  g_assert_cmpuint (kv_store_count (door->store), ==, 0);
}

static void
test_batch_limits (FakeDoor *door, gconstpointer unused)
{
  const char *put = "{\"method\":\"PUT\",\"key\":\"k\",\"value\":\"v\"}";
  g_autofree char *most = fake_json_array (door->limits.max_batch, put);
  g_autofree char *more = fake_json_array (door->limits.max_batch + 1, put);
  g_autofree char *value = g_strnfill (door->limits.max_value_size + 1, 'v');
  g_autofree char *longer =
    g_strdup_printf ("[%s,{\"method\":\"PUT\",\"key\":\"b\",\"value\":\"%s\"}]", put, value);

  g_assert_cmpuint (fake_door_post (door, "/batch", more), ==, 413);
  g_assert_cmpuint (fake_door_post (door, "/batch", longer), ==, 413);
  g_assert_cmpuint (kv_store_count (door->store), ==, 0);
  g_assert_cmpuint (fake_door_post (door, "/batch", most), ==, 200);
  g_assert_cmpuint (kv_store_count (door->store), ==, 1);
}

static void
test_batch_answer_is_bounded (FakeDoor *door, gconstpointer unused)
{
  const gsize length = KV_VALUE_MAX_BYTES;
  const guint fit = KV_ROUTE_BATCH_MAX_ANSWER / length - 1;
  g_autofree char *value = g_strnfill (length, 'v');
  g_autofree char *body = fake_json_array (100, "{\"method\":\"GET\",\"key\":\"k\"}");
  g_auto (FakeAnswer) answer = { .fd = -1 };
  json_t *results;

  g_assert_cmpuint (kv_store_put (door->store, "k", value, -1, NULL), >, 0);
  fake_door_ask (door, "POST", "/batch", "application/json", body, &answer);
  g_assert_cmpuint (answer.status, ==, 200);
  g_assert_cmpuint (answer.body->len, <, KV_ROUTE_BATCH_MAX_ANSWER + 100 * 20);
  results = json_loadb (answer.body->str, answer.body->len, 0, NULL);
  g_assert_cmpuint (json_array_size (results), ==, 100);
  for (guint i = 0; i < 100; i++)
    {
      const json_t *result = json_array_get (results, i);

      g_assert_cmpint (json_integer_value (json_object_get (result, "status")), ==,
                       i < fit ? 200 : 413);
      g_assert_cmpuint (json_string_length (json_object_get (result, "value")), ==,
                        i < fit ? length : 0);
    }
  json_decref (results);
}

static void
test_batch_is_charged (FakeDoor *door, gconstpointer unused)
{
  g_autoptr (KvRateLimiter) limiter = kv_rate_limiter_new (1, 50);
  KvRateBucket *bucket = kv_rate_limiter_get_bucket (limiter, "ip:127.0.0.1");
  g_autofree char *large =
    fake_json_array (1024, "{\"method\":\"PUT\",\"key\":\"k\",\"value\":\"v\"}");
  g_autofree char *small =
    fake_json_array (31, "{\"method\":\"PUT\",\"key\":\"k\",\"value\":\"v\"}");
  FakeRequest request = { .method = "POST",
                          .target = "/batch",
                          .content_type = "application/json",
                          .body = large };
  g_auto (FakeAnswer) first = { .fd = -1 };
  g_auto (FakeAnswer) second = { .fd = -1 };
  g_auto (FakeAnswer) third = { .fd = -1 };
  guint64 revision;

  fake_exchange (&door->context, bucket, &request, &first);
  g_assert_cmpuint (first.status, ==, 200);
  revision = kv_store_get_revision (door->store);
  fake_exchange (&door->context, bucket, &request, &second);
  g_assert_cmpuint (second.status, ==, 429);
  g_assert_cmpuint (g_ascii_strtoull (fake_answer_get_header (&second, "Retry-After"), NULL, 10),
                    >=, 1);
  g_assert_cmpuint (g_ascii_strtoull (fake_answer_get_header (&second, "Retry-After"), NULL, 10),
                    <=, 14);
  g_assert_cmpuint (kv_store_get_revision (door->store), ==, revision);
  request.body = small;
  fake_exchange (&door->context, bucket, &request, &third);
  g_assert_cmpuint (third.status, ==, 200);
  kv_rate_bucket_release (bucket);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define TEST(path, func)                                                                           \
  g_test_add ("/http/" path, FakeDoor, NULL, fake_door_set_up, func, fake_door_tear_down)
  TEST ("routes/batch/runs-in-order", test_batch);
  TEST ("routes/batch/empty", test_empty_batch);
  TEST ("routes/batch/one-bad-entry-and-none-runs", test_batch_refusals);
  TEST ("routes/batch/limits", test_batch_limits);
  TEST ("routes/batch/answer-is-bounded", test_batch_answer_is_bounded);
  TEST ("routes/batch/is-charged-by-length", test_batch_is_charged);
  return g_test_run ();
}
