/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#include "core/kv-clock.h"
#include "core/kv-error.h"
#include "dbus/kv-dbus-options.h"
#include "sample.h"

#include <math.h>

#define TRANSACTION                                                                                \
  (KV_DBUS_OPTIONS_CONDITION | KV_DBUS_OPTION_EXPIRES_AT | KV_DBUS_OPTION_PREV | KV_DBUS_OPTION_BY \
   | KV_DBUS_OPTION_VALUE_BYTES)
#define ALL                                                                                        \
  (KV_DBUS_OPTIONS_PUT | KV_DBUS_OPTIONS_WATCH | KV_DBUS_OPTIONS_RESTORE | KV_DBUS_OPTIONS_LIST    \
   | TRANSACTION)

static void
init_dictionary (Sample *sample, const char *text)
{
  sample_init (sample, g_variant_new ("(@a{sv})", g_variant_new_parsed (text)),
               G_DBUS_MESSAGE_BYTE_ORDER_LITTLE_ENDIAN);
}

static KvDbusOptions
parse (const char *text)
{
  g_auto (Sample) sample = { 0 };
  g_autoptr (GError) error = NULL;
  KvDbusOptions options;

  init_dictionary (&sample, text);
  kv_dbus_options_parse (&sample.body, ALL, &options, &error);
  g_assert_false (kv_dbus_reader_has_more (&sample.body) || sample.body.failed);
  g_assert_no_error (error);

  return options;
}

static void
test_knows_nothing_without_options (void)
{
  KvDbusOptions options = parse ("@a{sv} {}");

  g_assert_cmpuint (options.given, ==, 0);
  g_assert_cmpint (kv_dbus_options_get_deadline (&options), ==, KV_NO_DEADLINE);
}

static void
test_takes_every_number (void)
{
  static const char *const texts[] = {
    "{'ttl': <byte 7>}",   "{'ttl': <int16 7>}", "{'ttl': <uint16 7>}", "{'ttl': <7>}",
    "{'ttl': <uint32 7>}", "{'ttl': <int64 7>}", "{'ttl': <uint64 7>}", "{'ttl': <7.0>}",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      KvDbusOptions options = parse (texts[i]);

      g_assert_cmpuint (options.given, ==, KV_DBUS_OPTION_TTL);
      g_assert_cmpint (options.ttl, ==, 7 * G_USEC_PER_SEC);
    }
}

static void
test_takes_fractions_of_a_second (void)
{
  g_assert_cmpint (parse ("{'ttl': <0.25>}").ttl, ==, G_USEC_PER_SEC / 4);
  g_assert_cmpint (parse ("{'ttl': <1e-9>}").ttl, ==, 0);
}

static void
test_keeps_within_the_clock (void)
{
  static const char *const texts[] = {
    "{'ttl': <uint64 18446744073709551615>}",
    "{'ttl': <int64 9223372036854775807>}",
    "{'ttl': <9.3e12>}",
    "{'ttl': <1e300>}",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      KvDbusOptions options = parse (texts[i]);

      g_assert_cmpint (options.ttl, ==, G_MAXINT64);
      g_assert_cmpint (kv_dbus_options_get_deadline (&options), ==, KV_NO_DEADLINE);
    }
}

static void
test_refines_an_operation (void)
{
  KvDbusOptions options = parse ("{'keepttl': <true>, 'if_revision': <int64 9>}");
  KvOperation operation = { 0 };

  kv_dbus_options_refine (&options, &operation);
  g_assert_true (operation.keep_deadline);
  g_assert_cmpint (operation.condition, ==, KV_CONDITION_REVISION);
  g_assert_cmpuint (operation.if_revision, ==, 9);

  options = parse ("{'if_absent': <true>}");
  operation = (KvOperation){ 0 };
  kv_dbus_options_refine (&options, &operation);
  g_assert_false (operation.keep_deadline);
  g_assert_cmpint (operation.condition, ==, KV_CONDITION_ABSENT);

  options = parse ("{'if_present': <true>}");
  operation = (KvOperation){ 0 };
  kv_dbus_options_refine (&options, &operation);
  g_assert_cmpint (operation.condition, ==, KV_CONDITION_PRESENT);

  /* Who asks for a revision asks for the key. */
  options = parse ("{'if_present': <true>, 'if_revision': <9>}");
  operation = (KvOperation){ 0 };
  kv_dbus_options_refine (&options, &operation);
  g_assert_cmpint (operation.condition, ==, KV_CONDITION_REVISION);
}

static void
test_takes_a_time_of_the_wall_clock (void)
{
  static const char *const texts[] = {
    "{'expires_at': <'2040-01-31T12:00:00.5Z'>}",
    "{'expires_at': <'2040-01-31t14:00:00.500000999+02:00'>}",
  };
  KvDbusOptions options;
  gint64 deadline;

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      options = parse (texts[i]);
      g_assert_cmpuint (options.given, ==, KV_DBUS_OPTION_EXPIRES_AT);
      g_assert_cmpint (options.expires_at, ==, G_GINT64_CONSTANT (2211624000500000));
    }

  deadline = kv_dbus_options_get_deadline (&options);
  g_assert_cmpint (ABS (kv_clock_to_wall (deadline) - options.expires_at), <, 60 * G_USEC_PER_SEC);

  options = parse ("{'expires_at': <'9999-12-31T23:59:59.999Z'>}");
  g_assert_cmpint (kv_dbus_options_get_deadline (&options), <, KV_NO_DEADLINE);

  options = parse ("{'expires_at': <'0001-01-01T00:00:00Z'>}");
  deadline = kv_clock_now ();
  g_assert_cmpint (kv_dbus_options_get_deadline (&options), >=, deadline);
  g_assert_cmpint (kv_dbus_options_get_deadline (&options), <=, kv_clock_now ());
}

static void
test_takes_what_a_restore_is_told (void)
{
  KvDbusOptions options = parse ("{'mode': <'replace'>, 'dry_run': <true>}");

  g_assert_cmpuint (options.given, ==, KV_DBUS_OPTIONS_RESTORE);
  g_assert_cmpint (options.mode, ==, KV_RESTORE_REPLACE);
  g_assert_cmpint (parse ("{'mode': <'merge'>}").mode, ==, KV_RESTORE_MERGE);
  g_assert_cmpint (parse ("@a{sv} {}").mode, ==, KV_RESTORE_MERGE);
  g_assert_cmpuint (parse ("{'dry_run': <false>}").given, ==, 0);
}

/* What @text says is borrowed from a message that is gone. */
static void
assert_value (const char *text, guint given, const char *expected, gsize length)
{
  g_auto (Sample) sample = { 0 };
  g_autoptr (GError) error = NULL;
  KvDbusOptions options;

  init_dictionary (&sample, text);
  kv_dbus_options_parse (&sample.body, ALL, &options, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (options.given, ==, given);
  g_assert_cmpmem (options.value, options.value_length, expected, length);
}

static void
test_takes_values_as_text_or_bytes (void)
{
  assert_value ("{'value': <'ä'>}", KV_DBUS_OPTION_VALUE, "ä", 2);
  assert_value ("{'value': <[byte 0x61, 0x00]>}", KV_DBUS_OPTION_VALUE, "a", 2);
  assert_value ("{'not_value': <''>}", KV_DBUS_OPTION_NOT_VALUE, "", 0);
  assert_value ("{'value_bytes': <@ay []>}", KV_DBUS_OPTION_VALUE_BYTES, "", 0);
}

static void
test_takes_what_a_transaction_is_told (void)
{
  static const char *const fives[] = {
    "{'by': <byte 5>}",   "{'by': <int16 5>}", "{'by': <uint16 5>}", "{'by': <5>}",
    "{'by': <uint32 5>}", "{'by': <int64 5>}", "{'by': <uint64 5>}",
  };
  static const char *const below[] = { "{'by': <int16 -5>}", "{'by': <-5>}", "{'by': <int64 -5>}" };

  for (gsize i = 0; i < G_N_ELEMENTS (fives); i++)
    g_assert_cmpint (parse (fives[i]).by, ==, 5);
  for (gsize i = 0; i < G_N_ELEMENTS (below); i++)
    g_assert_cmpint (parse (below[i]).by, ==, -5);
  g_assert_cmpint (parse ("{'by': <int64 -9223372036854775808>}").by, ==, G_MININT64);
  g_assert_cmpuint (parse ("{'revision': <uint16 7>}").revision, ==, 7);
  g_assert_cmpuint (parse ("{'not_revision': <7>}").revision, ==, 7);
  g_assert_cmpuint (parse ("{'prev': <true>, 'absent': <false>}").given, ==, KV_DBUS_OPTION_PREV);
}

static void
test_takes_what_a_watch_is_told (void)
{
  g_assert_cmpuint (parse ("{'since': <1>, 'prev': <true>}").given, ==,
                    KV_DBUS_OPTION_SINCE | KV_DBUS_OPTION_PREV);
  g_assert_true (parse ("{'values': <false>}").without_values);
  g_assert_false (parse ("{'values': <true>}").without_values);
  g_assert_false (parse ("@a{sv} {}").without_values);
}

static void
test_takes_a_time (void)
{
  KvDbusOptions past = parse ("{'expires_at': <'1970-01-01T01:00:01.5+01:00'>}");
  KvDbusOptions future = parse ("{'expires_at': <'2100-01-02T03:04:05Z'>}");
  gint64 now = kv_clock_now ();

  g_assert_cmpint (past.expires_at, ==, G_USEC_PER_SEC * 3 / 2);
  g_assert_cmpint (kv_dbus_options_get_deadline (&past), >=, now);
  g_assert_cmpint (kv_dbus_options_get_deadline (&past), <=, kv_clock_now ());
  g_assert_cmpint (kv_dbus_options_get_deadline (&future), >, kv_clock_now ());
  g_assert_cmpint (kv_dbus_options_get_deadline (&future), <, KV_NO_DEADLINE);
}

static void
test_takes_what_a_listing_is_told (void)
{
  g_auto (Sample) sample = { 0 };
  g_autoptr (GError) error = NULL;
  KvDbusOptions options;

  init_dictionary (&sample, "{'delimiter': <'/'>, 'values': <true>}");
  g_assert_true (kv_dbus_options_parse (&sample.body, KV_DBUS_OPTIONS_LIST, &options, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (options.given, ==, KV_DBUS_OPTIONS_LIST);
  g_assert_cmpstr (options.delimiter, ==, "/");
  g_assert_null (parse ("{'values': <true>}").delimiter);
}

static void
test_takes_false_for_not_given (void)
{
  g_assert_cmpuint (parse ("{'ttl': <1>, 'keepttl': <false>}").given, ==, KV_DBUS_OPTION_TTL);
  g_assert_cmpuint (parse ("{'if_absent': <false>, 'if_revision': <1>}").given, ==,
                    KV_DBUS_OPTION_IF_REVISION);
}

static void
test_refuses (void)
{
  static const char *const texts[] = {
    "{'': <1>}",
    "{'TTL': <1>}",
    "{'ttl': <'1'>}",
    "{'ttl': <-1>}",
    "{'ttl': <int64 -9223372036854775808>}",
    "{'ttl': <-0.1>}",
    "{'ttl': <true>}",
    "{'ttl': <<1>>}",
    "{'ttl': <[1]>}",
    "{'ttl': <(1,)>}",
    "{'ttl': <@as []>}",
    "{'ttl': <objectpath '/1'>}",
    "{'ttl': <signature ''>}",
    "{'ttl': <handle 1>}",
    "{'ttl': <1>, 'ttl': <1>}",
    "{'keepttl': <false>, 'keepttl': <true>}",
    "{'keepttl': <1>}",
    "{'if_absent': <'true'>}",
    "{'if_revision': <1.0>}",
    "{'if_revision': <int16 -1>}",
    "{'if_present': <1>}",
    "{'expires_at': <''>}",
    "{'expires_at': <'tomorrow'>}",
    "{'expires_at': <'2026-01-31'>}",
    "{'expires_at': <'2026-01-31T12:00:00'>}",
    "{'expires_at': <'2026-02-30T12:00:00Z'>}",
    "{'expires_at': <'2026-01-31T12:00:00Z '>}",
    "{'expires_at': <2000000000.0>}",
    "{'expires_at': <uint64 2000000000>}",
    "{'expires_at': <objectpath '/'>}",
    "{'delimiter': <byte 47>}",
    "{'delimiter': <b'/'>}",
    "{'delimiter': <objectpath '/'>}",
    "{'values': <1>}",
    "{'since': <'now'>}",
    "{'mode': <''>}",
    "{'mode': <'Merge'>}",
    "{'mode': <true>}",
    "{'mode': <b'merge'>}",
    "{'dry_run': <'true'>}",
    "{'dry_run': <1>}",
    "{'mode': <'merge'>, 'mode': <'replace'>}",
    "{'ttl': <1>, 'keepttl': <true>}",
    "{'ttl': <1>, 'expires_at': <'2040-01-31T12:00:00Z'>}",
    "{'keepttl': <true>, 'expires_at': <'2040-01-31T12:00:00Z'>}",
    "{'if_absent': <true>, 'if_revision': <1>}",
    "{'if_absent': <true>, 'if_present': <true>}",
    "{'by': <1.0>}",
    "{'by': <'1'>}",
    "{'by': <uint64 9223372036854775808>}",
    "{'revision': <0>}",
    "{'not_revision': <-1>}",
    "{'value': <1>}",
    "{'value': <@aay []>}",
    "{'not_value': <objectpath '/1'>}",
    "{'value_bytes': <'text'>}",
    "{'absent': <1>}",
    "{'prev': <'true'>}",
    "{'values': <0>}",
    "{'values': <@ab [false]>}",
    "{'expires_at': <1>}",
    "{'expires_at': <''>}",
    "{'expires_at': <'tomorrow'>}",
    "{'expires_at': <'2100-01-02T03:04:05Z'>, 'ttl': <1>}",
    "{'expires_at': <'2100-01-02T03:04:05Z'>, 'keepttl': <true>}",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_auto (Sample) sample = { 0 };
      g_autoptr (GError) error = NULL;
      KvDbusOptions options;

      g_test_message ("%s", texts[i]);
      init_dictionary (&sample, texts[i]);
      g_assert_false (kv_dbus_options_parse (&sample.body, ALL, &options, &error));
      g_assert_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT);
    }
}

static void
test_refuses_what_is_no_number (void)
{
  const double numbers[] = { NAN, INFINITY, -INFINITY };

  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      g_auto (Sample) sample = { 0 };
      g_autoptr (GError) error = NULL;
      KvDbusOptions options;

      sample_init (&sample, g_variant_new_parsed ("({'ttl': <%d>},)", numbers[i]),
                   G_DBUS_MESSAGE_BYTE_ORDER_BIG_ENDIAN);
      g_assert_false (kv_dbus_options_parse (&sample.body, ALL, &options, &error));
      g_assert_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT);
    }
}

static void
test_names_what_is_wrong (void)
{
  g_auto (Sample) sample = { 0 };
  g_autoptr (GError) error = NULL;
  KvDbusOptions options;

  init_dictionary (&sample, "{'since': <1>}");
  g_assert_false (kv_dbus_options_parse (&sample.body, KV_DBUS_OPTION_TTL, &options, &error));
  g_assert_cmpstr (error->message, ==,
                   "There is no option \"since\" here; those that there are: ttl");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dbus/options/knows-nothing-without-options",
                   test_knows_nothing_without_options);
  g_test_add_func ("/dbus/options/takes-every-number", test_takes_every_number);
  g_test_add_func ("/dbus/options/takes-fractions-of-a-second", test_takes_fractions_of_a_second);
  g_test_add_func ("/dbus/options/keeps-within-the-clock", test_keeps_within_the_clock);
  g_test_add_func ("/dbus/options/refines-an-operation", test_refines_an_operation);
  g_test_add_func ("/dbus/options/takes-a-time-of-the-wall-clock",
                   test_takes_a_time_of_the_wall_clock);
  g_test_add_func ("/dbus/options/takes-what-a-restore-is-told", test_takes_what_a_restore_is_told);
  g_test_add_func ("/dbus/options/takes-what-a-listing-is-told", test_takes_what_a_listing_is_told);
  g_test_add_func ("/dbus/options/takes-values-as-text-or-bytes",
                   test_takes_values_as_text_or_bytes);
  g_test_add_func ("/dbus/options/takes-what-a-transaction-is-told",
                   test_takes_what_a_transaction_is_told);
  g_test_add_func ("/dbus/options/takes-what-a-watch-is-told", test_takes_what_a_watch_is_told);
  g_test_add_func ("/dbus/options/takes-a-time", test_takes_a_time);
  g_test_add_func ("/dbus/options/takes-false-for-not-given", test_takes_false_for_not_given);
  g_test_add_func ("/dbus/options/refuses", test_refuses);
  g_test_add_func ("/dbus/options/refuses-what-is-no-number", test_refuses_what_is_no_number);
  g_test_add_func ("/dbus/options/names-what-is-wrong", test_names_what_is_wrong);

  return g_test_run ();
}
