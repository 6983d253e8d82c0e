/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#define G_LOG_DOMAIN "kvstore"

#include "app/kv-logging.h"

#include <unistd.h>

static void
assert_line (GLogLevelFlags level, const char *message, gssize length, const char *line)
{
  g_autofree char *actual = kv_logging_format (level, message, length);

  g_assert_cmpstr (actual, ==, line);
}

static void
test_levels (void)
{
  assert_line (G_LOG_LEVEL_CRITICAL, "a", -1, "kvstored: CRITICAL: a\n");
  assert_line (G_LOG_LEVEL_WARNING, "a", -1, "kvstored: WARNING: a\n");
  assert_line (G_LOG_LEVEL_MESSAGE, "a", -1, "kvstored: a\n");
  assert_line (G_LOG_LEVEL_INFO, "a", -1, "kvstored: a\n");
  assert_line (G_LOG_LEVEL_DEBUG, "a", -1, "kvstored: debug: a\n");
}

static void
test_one_line (void)
{
  assert_line (G_LOG_LEVEL_MESSAGE, "a\nkvstored: b\r\x1b[31m", -1,
               "kvstored: a?kvstored: b??[31m\n");
  assert_line (G_LOG_LEVEL_MESSAGE,
               "\xc2\x9b"
               "31m \xc3\xa4",
               -1, "kvstored: ?31m ä\n");
  assert_line (G_LOG_LEVEL_MESSAGE, "bad \xff", -1, "kvstored: bad \xef\xbf\xbd\n");
  assert_line (G_LOG_LEVEL_MESSAGE, "abc", 2, "kvstored: ab\n");
}

static void
test_quiet_levels (void)
{
  if (g_test_subprocess ())
    {
      /* The test framework has made warnings fatal. */
      g_log_set_always_fatal (G_LOG_FATAL_MASK);
      kv_logging_start (G_LOG_LEVEL_WARNING);
      g_warning ("a warning");
      g_message ("a message");
      g_debug ("a detail");
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("*kvstored: WARNING: a warning\n*");
  g_test_trap_assert_stderr_unmatched ("*a message*");
  g_test_trap_assert_stderr_unmatched ("*a detail*");
}

static void
test_details_of_others (void)
{
  if (g_test_subprocess ())
    {
      kv_logging_start (G_LOG_LEVEL_DEBUG);
      g_debug ("a detail of ours");
      g_log_structured ("GLib-GIO", G_LOG_LEVEL_DEBUG, "MESSAGE", "a detail of theirs");
      g_log_structured ("GLib-GIO", G_LOG_LEVEL_MESSAGE, "MESSAGE", "a message of theirs");
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("*kvstored: debug: a detail of ours\n*");
  g_test_trap_assert_stderr ("*kvstored: a message of theirs\n*");
  g_test_trap_assert_stderr_unmatched ("*a detail of theirs*");
}

static void
test_fatal (void)
{
  if (g_test_subprocess ())
    {
      g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
      kv_logging_start (G_LOG_LEVEL_MESSAGE);
      g_critical ("the end");
      _exit (0);
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*kvstored: CRITICAL: the end\n*");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/app/logging/names-the-level", test_levels);
  g_test_add_func ("/app/logging/keeps-to-one-line", test_one_line);
  g_test_add_func ("/app/logging/leaves-out-quieter-levels", test_quiet_levels);
  g_test_add_func ("/app/logging/leaves-out-details-of-others", test_details_of_others);
  g_test_add_func ("/app/logging/ends-where-criticals-are-fatal", test_fatal);

  return g_test_run ();
}
