/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-error-details.h"
#include "http/kv-http-parameters.h"

#include <string.h>

enum {
  TTL,
  EXPIRES_AT,
  KEEPTTL,
  MODE,
  LIMIT,
  BY,
  CURSOR,
  KEY,
  PREFIX,
  N_PARAMETERS
};

static const char *const modes[] = { "merge", "replace", NULL };

static const KvHttpParameter parameters[N_PARAMETERS] = {
  [TTL] = { "ttl", KV_HTTP_PARAMETER_SECONDS, .group = 1 },
  [EXPIRES_AT] = { "expires_at", KV_HTTP_PARAMETER_TIME, .group = 1 },
  [KEEPTTL] = { "keepttl", KV_HTTP_PARAMETER_FLAG, .group = 1 },
  [MODE] = { "mode", KV_HTTP_PARAMETER_CHOICE, .choices = modes },
  [LIMIT] = { "limit", KV_HTTP_PARAMETER_COUNT, .least = 1, .most = 1000 },
  [BY] = { "by", KV_HTTP_PARAMETER_INTEGER },
  [CURSOR] = { "cursor", KV_HTTP_PARAMETER_TEXT },
  [KEY] = { "key", KV_HTTP_PARAMETER_KEY, .repeats = TRUE },
  [PREFIX] = { "prefix", KV_HTTP_PARAMETER_PREFIX, .repeats = TRUE },
};

static KvHttpSpan
span (const char *text)
{
  return (KvHttpSpan){ text, text != NULL ? strlen (text) : 0 };
}

static void
take (const char *query, KvHttpArgument arguments[N_PARAMETERS])
{
  g_autoptr (GError) error = NULL;

  g_assert_true (
    kv_http_parameters_read (span (query), parameters, N_PARAMETERS, arguments, &error));
  g_assert_no_error (error);
}

/* Returns: (transfer full): what is said against it */
static char *
assert_refuses (const char *query, const char *subject)
{
  KvHttpArgument arguments[N_PARAMETERS];
  g_autoptr (GError) error = NULL;

  g_assert_false (
    kv_http_parameters_read (span (query), parameters, N_PARAMETERS, arguments, &error));
  g_assert_nonnull (error);
  g_assert_true (
    error->domain == KV_ERROR
    && (error->code == KV_ERROR_INVALID_ARGUMENT || error->code == KV_ERROR_INVALID_KEY));
  g_assert_cmpstr (kv_error_get_subject (error), ==, subject);
  return g_strdup (error->message);
}

static void
assert_refused (const char *query, const char *subject)
{
  g_autofree char *message = assert_refuses (query, subject);

  g_assert_nonnull (message);
}

static void
assert_suggests (const char *query, const char *subject, const char *name)
{
  g_autofree char *message = assert_refuses (query, subject);
  g_autofree char *quoted = name != NULL ? g_strdup_printf ("is \"%s\" meant?", name) : NULL;

  if (quoted != NULL)
    g_assert_nonnull (strstr (message, quoted));
  else
    g_assert_null (strstr (message, "meant"));
}

static void
test_nothing (void)
{
  static const char *const queries[] = { NULL, "", "&", "&&&" };

  for (guint i = 0; i < G_N_ELEMENTS (queries); i++)
    {
      KvHttpArgument arguments[N_PARAMETERS];

      take (queries[i], arguments);
      for (guint j = 0; j < N_PARAMETERS; j++)
        g_assert_false (arguments[j].given);
      g_assert_true (kv_http_parameters_read_none (span (queries[i]), NULL));
    }
  g_assert_false (kv_http_parameters_read_none (span ("ttl=1"), NULL));
}

static void
test_unknown (void)
{
  g_autofree char *longest = g_strnfill (64, 'x');
  g_autofree char *longer = g_strnfill (70, 'x');
  g_autofree char *cut = g_strdup_printf ("%s…", longest);

  assert_refused ("x", "x");
  assert_refused ("ttl=5&x=1", "x");
  assert_refused ("=x", "");
  assert_refused ("=", "");
  assert_refused ("%c3%a4=1", "ä");
  assert_refused ("a+b", "a b");
  /* What is no text is told as it came. */
  assert_refused ("%zz=1", "%zz");
  assert_refused ("%ff=1", "%ff");
  assert_refused ("tt%00l=1", "tt%00l");
  assert_refused (longest, longest);
  assert_refused (longer, cut);
}

static void
test_suggestions (void)
{
  assert_suggests ("tll=5", "tll", "ttl");
  assert_suggests ("TTL=5", "TTL", "ttl");
  assert_suggests ("keep_ttl", "keep_ttl", "keepttl");
  assert_suggests ("keepttl%20", "keepttl ", "keepttl");
  assert_suggests ("expiresat=x", "expiresat", "expires_at");
  assert_suggests ("expire_at=x", "expire_at", "expires_at");
  assert_suggests ("limits=1", "limits", "limit");
  assert_suggests ("seconds=5", "seconds", NULL);
  assert_suggests ("x=5", "x", NULL);
}

static void
test_twice (void)
{
  KvHttpArgument arguments[N_PARAMETERS];

  assert_refused ("ttl=1&ttl=1", "ttl");
  assert_refused ("ttl=1&%74tl=2", "ttl");
  assert_refused ("keepttl&keepttl", "keepttl");
  assert_refused ("cursor=a&cursor=a", "cursor");

  take ("key=a&key=b&prefix=&key=a&prefix=c", arguments);
  g_assert_cmpuint (arguments[KEY].texts->len, ==, 3);
  g_assert_cmpstr (g_ptr_array_index (arguments[KEY].texts, 1), ==, "b");
  g_assert_cmpuint (arguments[PREFIX].texts->len, ==, 2);
  g_assert_cmpstr (g_ptr_array_index (arguments[PREFIX].texts, 0), ==, "");
  kv_http_arguments_clear (arguments, N_PARAMETERS);
  g_assert_null (arguments[KEY].texts);
}

static void
test_groups (void)
{
  KvHttpArgument arguments[N_PARAMETERS];

  assert_refused ("ttl=1&keepttl", "keepttl");
  assert_refused ("keepttl=false&ttl=1", "ttl");
  assert_refused ("ttl=1&expires_at=2026-01-01T00:00:00Z", "expires_at");
  take ("ttl=1&limit=2&by=3", arguments);
  g_assert_true (arguments[TTL].given && arguments[LIMIT].given && arguments[BY].given);
}

static void
test_flags (void)
{
  KvHttpArgument arguments[N_PARAMETERS];

  take ("keepttl", arguments);
  g_assert_true (arguments[KEEPTTL].given && arguments[KEEPTTL].flag);
  take ("keepttl=true", arguments);
  g_assert_true (arguments[KEEPTTL].flag);
  take ("keepttl=false", arguments);
  g_assert_true (arguments[KEEPTTL].given && !arguments[KEEPTTL].flag);
  assert_refused ("keepttl=", "keepttl");
  assert_refused ("keepttl=1", "keepttl");
  assert_refused ("keepttl=True", "keepttl");
  assert_refused ("keepttl=true%20", "keepttl");
}

static void
test_choices (void)
{
  KvHttpArgument arguments[N_PARAMETERS];

  take ("mode=merge", arguments);
  g_assert_cmpuint (arguments[MODE].choice, ==, 0);
  take ("mode=re%70lace", arguments);
  g_assert_cmpuint (arguments[MODE].choice, ==, 1);
  assert_refused ("mode", "mode");
  assert_refused ("mode=", "mode");
  assert_refused ("mode=Merge", "mode");
  assert_refused ("mode=mergereplace", "mode");
}

static void
test_numbers (void)
{
  static const char *const bad_counts[] = { "limit=0",
                                            "limit=1001",
                                            "limit=",
                                            "limit",
                                            "limit=-1",
                                            "limit=1.0",
                                            "limit=99999999999999999999" };
  static const char *const bad_integers[] = { "by=",
                                              "by",
                                              "by=-",
                                              "by=--1",
                                              "by=+1",
                                              "by=%2b1",
                                              "by=1.0",
                                              "by=1e3",
                                              "by=0x10",
                                              "by=9223372036854775808",
                                              "by=-9223372036854775809",
                                              "by=18446744073709551616",
                                              "by=1%20" };
  KvHttpArgument arguments[N_PARAMETERS];

  take ("limit=1000", arguments);
  g_assert_cmpuint (arguments[LIMIT].count, ==, 1000);
  for (guint i = 0; i < G_N_ELEMENTS (bad_counts); i++)
    assert_refused (bad_counts[i], "limit");

  take ("by=-9223372036854775808", arguments);
  g_assert_cmpint (arguments[BY].integer, ==, G_MININT64);
  take ("by=9223372036854775807", arguments);
  g_assert_cmpint (arguments[BY].integer, ==, G_MAXINT64);
  take ("by=-0", arguments);
  g_assert_cmpint (arguments[BY].integer, ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (bad_integers); i++)
    assert_refused (bad_integers[i], "by");
}

static void
test_seconds (void)
{
  static const struct {
    const char *query;
    gint64 microseconds;
  } good[] = {
    { "ttl=0", 0 },
    { "ttl=60", 60 * G_USEC_PER_SEC },
    { "ttl=0.5", 500000 },
    { "ttl=1.000001", 1000001 },
    { "ttl=1.0000019", 1000001 },
    { "ttl=0.0000001", 0 },
    { "ttl=1.10", 1100000 },
    { "ttl=007", 7 * G_USEC_PER_SEC },
    { "ttl=9223372036853", G_GINT64_CONSTANT (9223372036853) * G_USEC_PER_SEC },
  };
  static const char *const bad[] = { "ttl=",     "ttl",
                                     "ttl=.5",   "ttl=5.",
                                     "ttl=-1",   "ttl=1,5",
                                     "ttl=1e3",  "ttl=1.5s",
                                     "ttl=1.-5", "ttl=1.5.5",
                                     "ttl=+1",   "ttl=inf",
                                     "ttl=nan",  "ttl=0x1",
                                     "ttl=%001", "ttl=9223372036854",
                                     "ttl=1%zz", "ttl=99999999999999999999" };
  KvHttpArgument arguments[N_PARAMETERS];

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      take (good[i].query, arguments);
      g_assert_cmpint (arguments[TTL].microseconds, ==, good[i].microseconds);
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    assert_refused (bad[i], "ttl");
}

static void
test_times (void)
{
  static const char *const bad[] = { "expires_at=",
                                     "expires_at=tomorrow",
                                     "expires_at=2026-01-01",
                                     "expires_at=1767225600",
                                     "expires_at=2026-02-30T00:00:00Z",
                                     "expires_at=2026-01-01T00:00:00" };
  KvHttpArgument arguments[N_PARAMETERS];

  take ("expires_at=2026-01-01T00:00:00.5Z", arguments);
  g_assert_cmpint (arguments[EXPIRES_AT].microseconds, ==, G_GINT64_CONSTANT (1767225600500000));
  /* The plus of an offset is one, whoever has not escaped it. */
  take ("expires_at=2026-01-01T01:00:00+01:00", arguments);
  g_assert_cmpint (arguments[EXPIRES_AT].microseconds, ==, G_GINT64_CONSTANT (1767225600000000));
  take ("expires_at=2026-01-01T01%3A00:00%2B01:00", arguments);
  g_assert_cmpint (arguments[EXPIRES_AT].microseconds, ==, G_GINT64_CONSTANT (1767225600000000));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    assert_refused (bad[i], "expires_at");
}

static void
test_texts (void)
{
  g_autofree char *longest = g_strnfill (KV_KEY_MAX_BYTES, 'k');
  g_autofree char *longest_key = g_strdup_printf ("key=%s", longest);
  g_autofree char *longer_key = g_strdup_printf ("prefix=%sk", longest);
  g_autofree char *very_long = g_strnfill (5000, 'k');
  g_autofree char *very_long_cursor = g_strdup_printf ("cursor=%s", very_long);
  KvHttpArgument arguments[N_PARAMETERS];

  take ("key=a+b%2Fc&cursor=", arguments);
  g_assert_cmpstr (g_ptr_array_index (arguments[KEY].texts, 0), ==, "a b/c");
  g_assert_cmpstr (g_ptr_array_index (arguments[CURSOR].texts, 0), ==, "");
  kv_http_arguments_clear (arguments, N_PARAMETERS);
  take (longest_key, arguments);
  kv_http_arguments_clear (arguments, N_PARAMETERS);

  assert_refused ("key=", "key");
  assert_refused ("key", "key");
  assert_refused ("key=a&key=%0a", "key");
  assert_refused ("key=a&key=%ff", "key");
  assert_refused ("prefix=%00", "prefix");
  assert_refused (longer_key, "prefix");
  assert_refused ("cursor=%ff", "cursor");
  assert_refused ("cursor=a%00b", "cursor");
  assert_refused ("cursor=%4", "cursor");
  assert_refused (very_long_cursor, "cursor");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define TEST(path, func) g_test_add_func ("/http/parameters/" path, func)
  TEST ("none-is-none", test_nothing);
  TEST ("refuses-an-unknown-one-by-its-name", test_unknown);
  TEST ("suggests-what-may-be-meant", test_suggestions);
  TEST ("takes-one-but-once-unless-it-repeats", test_twice);
  TEST ("refuses-two-that-exclude-each-other", test_groups);
  TEST ("reads-flags", test_flags);
  TEST ("reads-choices", test_choices);
  TEST ("reads-numbers", test_numbers);
  TEST ("reads-seconds", test_seconds);
  TEST ("reads-times", test_times);
  TEST ("reads-texts", test_texts);
  return g_test_run ();
}
