/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#define G_LOG_DOMAIN "kvstore"

#include "app/kv-application.h"
#include "app/kv-logging.h"
#include "app/kv-process.h"
#include "app/kv-settings.h"
#include "core/kv-error.h"
#include "kv-config.h"

#include <glib-unix.h>
#include <glib/gi18n-lib.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* sysexits and many daemons differ here; this is what shells and GNU programs do. */
#define EXIT_USAGE 2

typedef struct {
  GMainLoop *loop;            /* (owned) */
  KvApplication *application; /* (owned) */
  GCancellable *starting;     /* (owned) (nullable): NULL once it has started */
  gboolean stopping;
  int status;
} Run;

static void
on_stopped (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Run *run = user_data;
  g_autoptr (GError) error = NULL;

  if (!kv_application_stop_finish (KV_APPLICATION (source), result, &error))
    g_warning (_ ("Stopped, but not cleanly: %s"), error->message);
  g_main_loop_quit (run->loop);
}

/* The first signal asks for a good end, the second for a quick one. */
static gboolean
on_signal (Run *run, int number)
{
  if (run->stopping)
    _exit (128 + number);
  run->stopping = TRUE;
  if (run->starting != NULL)
    {
      g_cancellable_cancel (run->starting);
      return G_SOURCE_CONTINUE;
    }
  g_message (_ ("Stopping"));
  kv_application_stop_async (run->application, on_stopped, run);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_sigterm (gpointer user_data)
{
  return on_signal (user_data, SIGTERM);
}

static gboolean
on_sigint (gpointer user_data)
{
  return on_signal (user_data, SIGINT);
}

static void
on_started (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Run *run = user_data;
  g_autoptr (GError) error = NULL;

  g_clear_object (&run->starting);
  if (kv_application_start_finish (KV_APPLICATION (source), result, &error))
    {
      /* The signal came when there was nothing left to cancel. */
      if (run->stopping)
        kv_application_stop_async (run->application, on_stopped, run);
      return;
    }
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      gboolean usage = g_error_matches (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT);

      g_printerr ("kvstored: %s\n", error->message);
      run->status = usage ? EXIT_USAGE : EXIT_FAILURE;
    }
  g_main_loop_quit (run->loop);
}

static int
run_application (const KvSettings *settings)
{
  Run run = { .loop = g_main_loop_new (NULL, FALSE), .starting = g_cancellable_new () };

  run.application = kv_application_new (settings);
  g_unix_signal_add (SIGTERM, on_sigterm, &run);
  g_unix_signal_add (SIGINT, on_sigint, &run);
  kv_application_start_async (run.application, run.starting, on_started, &run);
  g_main_loop_run (run.loop);

  g_clear_object (&run.application);
  g_clear_object (&run.starting);
  g_main_loop_unref (run.loop);
  return run.status;
}

int
main (int argc, char *argv[])
{
  g_autoptr (KvSettings) settings = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) environment = NULL;

  kv_process_prepare ();
  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, KV_LOCALE_DIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  g_set_prgname ("kvstored");

  environment = g_get_environ ();
  settings =
    kv_settings_load ((const char *const *) argv, (const char *const *) environment, &error);
  if (settings == NULL)
    {
      g_printerr ("kvstored: %s\n", error->message);
      g_printerr ("%s\n", _ ("Try “kvstored --help”."));
      return EXIT_USAGE;
    }
  if (settings->show_version)
    {
      g_print ("kvstored %s\n", KV_VERSION);
      return EXIT_SUCCESS;
    }

  kv_logging_start (settings->log_level);
  return run_application (settings);
}
