/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-error-details.h"
#include "fake-carrier.h"
#include "http/kv-http-json.h"
#include "http/kv-http-problem.h"

#include <string.h>

#define PROBLEM "application/problem+json"

static void
ask (FakeDoor *door,
     const char *method,
     const char *target,
     const char *accept,
     const char *body,
     FakeAnswer *answer)
{
  const FakeRequest request = {
    .method = method,
    .target = target,
    .content_type = "application/json",
    .headers = { { "accept", accept } },
    .body = body,
  };

  fake_exchange (&door->context, NULL, &request, answer);
}

static gboolean
is_problem (const FakeAnswer *answer)
{
  const char *type = fake_answer_get_header (answer, "Content-Type");

  g_assert_cmpstr (fake_answer_get_header (answer, "X-Content-Type-Options"), ==, "nosniff");
  if (g_strcmp0 (type, PROBLEM) == 0)
    return TRUE;
  g_assert_cmpstr (type, ==, "text/plain; charset=utf-8");
  return FALSE;
}

/* Returns: (transfer full): the members of the problem that an answer is */
static json_t *
read_problem (const FakeAnswer *answer)
{
  g_autoptr (GError) error = NULL;
  KvHttpSpan body = { answer->body->str, answer->body->len };
  json_t *problem = kv_http_json_parse (body, &error);

  g_assert_no_error (error);
  g_assert_true (is_problem (answer));
  g_assert_true (json_is_object (problem));
  g_assert_cmpint (json_integer_value (json_object_get (problem, "status")), ==, answer->status);
  g_assert_true (json_is_string (json_object_get (problem, "title")));
  g_assert_true (json_is_string (json_object_get (problem, "detail")));
  return problem;
}

static const char *
get_text (const json_t *problem, const char *name)
{
  return json_string_value (json_object_get (problem, name));
}

static void
test_accept (FakeDoor *door, gconstpointer unused)
{
  static const char *const wanted[] = {
    PROBLEM,
    "Application/Problem+JSON",
    "text/plain, " PROBLEM,
    "*/*;q=0.1 ,\t" PROBLEM " ; charset=utf-8;q=0.5",
    PROBLEM ";q=0.001",
    "," PROBLEM ",",
  };
  static const char *const not_wanted[] = {
    NULL,
    "",
    "*/*",
    "application/*",
    "application/json",
    "application/json, text/plain, */*",
    PROBLEM ";q=0",
    PROBLEM ";q=0.000, */*",
    PROBLEM "s",
    "x" PROBLEM,
    "text/plain; a=" PROBLEM,
    ";,;",
  };

  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++)
    {
      g_auto (FakeAnswer) answer = { .fd = -1 };

      ask (door, "GET", "/nothing", wanted[i], NULL, &answer);
      g_assert_true (is_problem (&answer));
    }
  for (guint i = 0; i < G_N_ELEMENTS (not_wanted); i++)
    {
      g_auto (FakeAnswer) answer = { .fd = -1 };

      ask (door, "GET", "/nothing", not_wanted[i], NULL, &answer);
      g_assert_false (is_problem (&answer));
      g_assert_cmpstr (answer.body->str, ==, "There is nothing at this path\n");
    }
}

static void
test_ours (FakeDoor *door, gconstpointer unused)
{
  static const char *const ours[] = { "/v1", "/v1/", "/v1/nothing", "/v1?x", "/v1/dump?x=1" };
  static const char *const others[] = { "/v10/x", "/v2/kv/k", "/V1/dump", "/store/v1%ff" };

  for (guint i = 0; i < G_N_ELEMENTS (ours); i++)
    {
      g_auto (FakeAnswer) answer = { .fd = -1 };

      ask (door, "GET", ours[i], "text/plain", NULL, &answer);
      g_assert_true (is_problem (&answer));
    }
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_auto (FakeAnswer) answer = { .fd = -1 };

      ask (door, "GET", others[i], NULL, NULL, &answer);
      g_assert_false (is_problem (&answer));
    }
}

static void
test_members (FakeDoor *door, gconstpointer unused)
{
  g_autofree char *longer = g_strnfill (door->limits.max_value_size + 1, 'v');
  g_auto (FakeAnswer) ttl = { .fd = -1 };
  g_auto (FakeAnswer) large = { .fd = -1 };
  g_autoptr (json_t) problem = NULL;
  g_autoptr (json_t) other = NULL;

  ask (door, "PUT", "/store/a%22%00b?ttl=x", PROBLEM, "v", &ttl);
  problem = read_problem (&ttl);
  g_assert_cmpstr (get_text (problem, "type"), ==, "/problems/invalid-key");
  g_assert_null (json_object_get (problem, "key"));
  fake_answer_clear (&ttl);
  json_decref (problem);

  ask (door, "PUT", "/store/a%22b?ttl=x", PROBLEM, "v", &ttl);
  problem = read_problem (&ttl);
  g_assert_cmpstr (get_text (problem, "type"), ==, "/problems/invalid-parameter");
  g_assert_cmpstr (get_text (problem, "parameter"), ==, "ttl");
  g_assert_cmpstr (get_text (problem, "key"), ==, "a\"b");
  g_assert_null (json_object_get (problem, "limit"));

  ask (door, "PUT", "/store/a", PROBLEM, longer, &large);
  other = read_problem (&large);
  g_assert_cmpstr (get_text (other, "type"), ==, "/problems/too-large");
  g_assert_cmpint (json_integer_value (json_object_get (other, "limit")), ==,
                   door->limits.max_value_size);
}

static void
test_pointers (FakeDoor *door, gconstpointer unused)
{
  static const struct {
    const char *body;
    const char *pointer;
  } cases[] = {
    { "[{\"method\":\"GET\",\"key\":\"a\"},5]", "/1" },
    { "[{\"method\":\"GET\"}]", "/0/key" },
    { "[{\"method\":\"GET\",\"key\":\"\"}]", "/0/key" },
    { "[{\"method\":\"BREW\",\"key\":\"a\"}]", "/0/method" },
    { "[{\"method\":\"PUT\",\"key\":\"a\",\"value\":\"\",\"ttl\":-1}]", "/0/ttl" },
    { "[{\"method\":\"PUT\",\"key\":\"a\",\"value\":5}]", "/0/value" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (FakeAnswer) answer = { .fd = -1 };
      g_autoptr (json_t) problem = NULL;

      ask (door, "POST", "/batch", PROBLEM, cases[i].body, &answer);
      g_assert_cmpuint (answer.status, ==, 422);
      problem = read_problem (&answer);
      g_assert_cmpstr (get_text (problem, "parameter"), ==, cases[i].pointer);
    }
}

static void
test_table (FakeDoor *door, gconstpointer unused)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < KV_HTTP_N_PROBLEMS; i++)
    {
      KvHttpProblemType type = (KvHttpProblemType) i;
      guint status = kv_http_problem_get_status (type);

      g_assert_true (g_hash_table_add (names, (gpointer) kv_http_problem_get_name (type)));
      g_assert_cmpuint (status, >=, 400);
      /* What a status means by itself has that status. */
      status = kv_http_problem_get_status (kv_http_problem_from_status (status));
      g_assert_true (status == kv_http_problem_get_status (type) || status == 400);
    }
}

static void
test_error_details (FakeDoor *door, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) copy = NULL;
  g_autoptr (GError) other = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "Text");

  g_assert_false (kv_error_set_about (&error, KV_ERROR_INVALID_ARGUMENT, "ttl", "No %s", "number"));
  g_assert_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT);
  g_assert_cmpstr (error->message, ==, "No number");
  kv_error_set_limit (error, 5);
  copy = g_error_copy (error);
  kv_error_set_subject (error, "other");
  g_assert_cmpstr (kv_error_get_subject (error), ==, "other");
  g_assert_cmpstr (kv_error_get_subject (copy), ==, "ttl");
  g_assert_cmpuint (kv_error_get_limit (copy), ==, 5);
  g_assert_null (kv_error_get_subject (other));
  g_assert_cmpuint (kv_error_get_limit (other), ==, 0);
  g_assert_false (kv_error_set_about (NULL, KV_ERROR_FAILED, NULL, "Nobody asks"));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define TEST(path, func)                                                                           \
  g_test_add ("/http/refusal/" path, FakeDoor, NULL, fake_door_set_up, func, fake_door_tear_down)
  TEST ("is-a-problem-where-accept-names-it", test_accept);
  TEST ("is-a-problem-under-v1", test_ours);
  TEST ("has-members-for-programs", test_members);
  TEST ("points-into-a-batch", test_pointers);
  TEST ("every-problem-has-a-name-of-its-own", test_table);
  TEST ("errors-carry-what-is-to-blame", test_error_details);
  return g_test_run ();
}
