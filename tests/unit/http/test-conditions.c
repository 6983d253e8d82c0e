/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-error-details.h"
#include "http/kv-http-conditions.h"

#include <string.h>

/* An exchange with these headers, and nothing else. */
typedef struct {
  KvHttpExchange exchange; /* first: the exchange is it */
  const char *match;
  const char *none_match;
} Asked;

static KvHttpSpan
get_header (KvHttpExchange *exchange, const char *name)
{
  const Asked *asked = (const Asked *) exchange;
  const char *value = NULL;

  if (g_str_equal (name, "if-match"))
    value = asked->match;
  if (g_str_equal (name, "if-none-match"))
    value = asked->none_match;
  return (KvHttpSpan){ value, value != NULL ? strlen (value) : 0 };
}

static gboolean
read_conditions (const char *match,
                 const char *none_match,
                 KvHttpConditions *conditions,
                 GError **error)
{
  static const KvHttpCarrier carrier = { .get_header = get_header };
  Asked asked = {
    .exchange = { .carrier = &carrier, .conditional = TRUE },
    .match = match,
    .none_match = none_match,
  };

  return kv_http_conditions_read (conditions, &asked.exchange, error);
}

static KvHttpVerdict
judge (const char *match, const char *none_match, guint64 revision)
{
  g_auto (KvHttpConditions) conditions = { 0 };
  g_autoptr (GError) error = NULL;

  g_assert_true (read_conditions (match, none_match, &conditions, &error));
  g_assert_no_error (error);
  return kv_http_conditions_judge (&conditions, revision);
}

static void
test_judges (void)
{
  static const struct {
    const char *match;
    const char *none_match;
    KvHttpVerdict verdict; /* on revision 17 */
  } cases[] = {
    { NULL, NULL, KV_HTTP_VERDICT_GO },
    { "*", NULL, KV_HTTP_VERDICT_GO },
    { "\"17\"", NULL, KV_HTTP_VERDICT_GO },
    { "\"16\"", NULL, KV_HTTP_VERDICT_FAILED },
    { "\"16\" ,\t\"17\"", NULL, KV_HTTP_VERDICT_GO },
    { ",,\"16\",,\"17\", ,", NULL, KV_HTTP_VERDICT_GO },
    { "\"1\",\"2\",\"3\",\"17\"", NULL, KV_HTTP_VERDICT_GO },
    { "\"017\"", NULL, KV_HTTP_VERDICT_FAILED },
    { "\"\"", NULL, KV_HTTP_VERDICT_FAILED },
    { "\"a,b\"", NULL, KV_HTTP_VERDICT_FAILED },
    { "\"18446744073709551633\"", NULL, KV_HTTP_VERDICT_FAILED },
    /* Weak tags are equal to nothing where it matters, and equal where it does not. */
    { "W/\"17\"", NULL, KV_HTTP_VERDICT_FAILED },
    { NULL, "W/\"17\"", KV_HTTP_VERDICT_NOT_MODIFIED },
    { NULL, "\"17\"", KV_HTTP_VERDICT_NOT_MODIFIED },
    { NULL, "\"x\", W/\"y\", \"17\"", KV_HTTP_VERDICT_NOT_MODIFIED },
    { NULL, "*", KV_HTTP_VERDICT_NOT_MODIFIED },
    { NULL, "\"18\"", KV_HTTP_VERDICT_GO },
    /* If-Match comes first. */
    { "\"17\"", "\"17\"", KV_HTTP_VERDICT_NOT_MODIFIED },
    { "\"16\"", "\"17\"", KV_HTTP_VERDICT_FAILED },
    { "*", "\"16\"", KV_HTTP_VERDICT_GO },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (judge (cases[i].match, cases[i].none_match, 17), ==, cases[i].verdict);
}

static void
test_refuses (void)
{
  static const char *const bad[] = {
    "",         ",",    " , ",       "17",       "\"17",         "17\"",        "\"17\" \"18\"",
    "w/\"17\"", "W/17", "W/ \"17\"", "*, \"1\"", "\"1\", *",     "**",          "\"a b\"",
    "\"1\",x",  "W/",   "\"",        "'17'",     "\"17\"\"18\"", "\"17\"; q=1",
  };

  for (guint i = 0; i < 2 * G_N_ELEMENTS (bad); i++)
    {
      g_auto (KvHttpConditions) conditions = { 0 };
      g_autoptr (GError) error = NULL;
      gboolean first = i % 2 == 0;

      g_assert_false (read_conditions (first ? bad[i / 2] : "\"1\",\"2\"",
                                       first ? "\"1\"" : bad[i / 2], &conditions, &error));
      g_assert_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT);
      g_assert_cmpstr (kv_error_get_subject (error), ==, first ? "If-Match" : "If-None-Match");
    }
}

static gboolean
has_revision (const KvOperation *operation, guint64 revision)
{
  for (guint i = 0; i < operation->n_more_revisions; i++)
    if (operation->more_revisions[i] == revision)
      return TRUE;
  return operation->if_revision == revision;
}

/* @revisions: those that the operation is to name, as decimal digits. */
static void
assert_imposes (const char *match,
                const char *none_match,
                guint64 required,
                KvCondition condition,
                const char *revisions)
{
  g_auto (KvHttpConditions) conditions = { 0 };
  g_autoptr (GError) error = NULL;
  KvOperation operation = { 0 };
  guint n = strlen (revisions);

  g_assert_true (read_conditions (match, none_match, &conditions, &error));
  if (required != 0)
    kv_http_conditions_require (&conditions, required);
  g_assert_true (kv_http_conditions_impose (&conditions, &operation, &error));
  g_assert_no_error (error);
  g_assert_cmpint (operation.condition, ==, condition);
  for (guint i = 0; i < n; i++)
    g_assert_true (has_revision (&operation, (guint64) (revisions[i] - '0')));
  g_assert_cmpuint (operation.n_more_revisions, ==, n > 0 ? n - 1 : 0);
  if (n == 0)
    g_assert_cmpuint (operation.if_revision, ==, 0);
}

static void
test_imposes (void)
{
  assert_imposes (NULL, NULL, 0, KV_CONDITION_NONE, "");
  assert_imposes ("*", NULL, 0, KV_CONDITION_PRESENT, "");
  assert_imposes (NULL, "*", 0, KV_CONDITION_ABSENT, "");
  assert_imposes ("\"5\"", NULL, 0, KV_CONDITION_REVISION, "5");
  assert_imposes ("\"5\",\"6\",\"7\"", NULL, 0, KV_CONDITION_REVISION, "567");
  assert_imposes (NULL, "\"5\",W/\"6\"", 0, KV_CONDITION_NOT_REVISION, "56");
  assert_imposes (NULL, "\"x\"", 0, KV_CONDITION_NOT_REVISION, "");
  /* What cannot be fulfilled asks for the revision that no key has. */
  assert_imposes ("\"x\"", NULL, 0, KV_CONDITION_REVISION, "");
  assert_imposes ("\"5\"", "*", 0, KV_CONDITION_REVISION, "");
  assert_imposes ("*", "*", 0, KV_CONDITION_REVISION, "");
  assert_imposes ("\"5\",\"6\",\"7\"", "\"6\"", 0, KV_CONDITION_REVISION, "57");
  assert_imposes ("\"5\"", "\"5\"", 0, KV_CONDITION_REVISION, "");
}

static void
test_requires (void)
{
  assert_imposes (NULL, NULL, 5, KV_CONDITION_REVISION, "5");
  assert_imposes ("*", NULL, 5, KV_CONDITION_REVISION, "5");
  assert_imposes ("\"4\",\"5\"", NULL, 5, KV_CONDITION_REVISION, "5");
  assert_imposes ("\"4\",\"6\"", NULL, 5, KV_CONDITION_REVISION, "");
  assert_imposes (NULL, "\"5\"", 5, KV_CONDITION_REVISION, "");
}

static void
test_refuses_what_cannot_be_asked (void)
{
  g_auto (KvHttpConditions) conditions = { 0 };
  g_autoptr (GError) error = NULL;
  KvOperation operation = { 0 };

  g_assert_true (read_conditions ("*", "\"5\"", &conditions, &error));
  g_assert_false (kv_http_conditions_impose (&conditions, &operation, &error));
  g_assert_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define TEST(path, func) g_test_add_func ("/http/conditions/" path, func)
  TEST ("judge-what-is-there", test_judges);
  TEST ("refuse-what-is-malformed", test_refuses);
  TEST ("are-imposed-on-a-write", test_imposes);
  TEST ("take-one-more-revision", test_requires);
  TEST ("refuse-what-cannot-be-asked-at-once", test_refuses_what_cannot_be_asked);
  return g_test_run ();
}
