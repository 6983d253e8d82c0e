/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#define G_LOG_DOMAIN "kvstore"

#include "app/kv-application.h"

#include "app/kv-figures.h"
#include "app/kv-process-figures.h"
#include "app/kv-process.h"
#include "app/kv-ready.h"
#include "core/kv-error.h"
#include "dbus/kv-dbus-service.h"
#include "http/server/kv-http-server.h"
#include "journal/sqlite/kv-sqlite-journal.h"
#include "kv-config.h"
#include "principal/kv-rate-limiter.h"
#include "store/kv-store.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* How long requests may take that are under way when we are told to stop, and how long their answers when they have been
 * cut short. */
#define STOP_GRACE_SECONDS 30
#define LAST_WORDS_SECONDS 1

/* Files that are no connections: standard streams, the bus, the store's timer, listeners; and for each worker its
 * epoll set, timers and main context. Twice what was counted. */
#define RESERVED_FILES 24
#define RESERVED_FILES_PER_THREAD 8
/* The database, its log, its lock, and what is open for a moment. */
#define RESERVED_FILES_OF_JOURNAL 8

struct _KvApplication {
  GObject parent_instance;

  const KvSettings *settings; /* (borrowed) */
  guint files;                /* that may be open */
  KvHttpLimits limits;
  KvRateLimiter *limiter; /* (owned) outlives both doors */
  KvStore *store;         /* (owned) */
  KvJournal *journal;     /* (owned) (nullable): none in memory alone */
  KvHttpServer *http;     /* (owned) (nullable) */
  KvDbusService *bus;     /* (owned) (nullable) */
  KvMetrics *metrics;     /* (owned): asked by the HTTP door alone */

  guint stops_pending; /* doors, and the journal from when it is told */
  guint stop_timeout;
  gboolean closing;   /* whether the journal has been told */
  GError *stop_error; /* (owned) (nullable) */
};

G_DEFINE_FINAL_TYPE (KvApplication, kv_application, G_TYPE_OBJECT)

static void
kv_application_dispose (GObject *object)
{
  KvApplication *self = KV_APPLICATION (object);

  g_clear_handle_id (&self->stop_timeout, g_source_remove);
  /* It shows the figures of all others, so it goes first. */
  g_clear_object (&self->http);
  g_clear_pointer (&self->metrics, kv_metrics_free);
  g_clear_object (&self->bus);
  g_clear_object (&self->journal);
  g_clear_object (&self->store);
  g_clear_pointer (&self->limiter, kv_rate_limiter_free);
  g_clear_error (&self->stop_error);
  G_OBJECT_CLASS (kv_application_parent_class)->dispose (object);
}

static void
kv_application_class_init (KvApplicationClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = kv_application_dispose;
}

static void
kv_application_init (KvApplication *self)
{
}

static guint
count_reserved_files (const KvSettings *settings)
{
  return RESERVED_FILES + RESERVED_FILES_PER_THREAD * settings->http_threads
         + (settings->database != NULL ? RESERVED_FILES_OF_JOURNAL : 0);
}

/* A connection beyond what may be open would wait unaccepted; one beyond the limit is told so. */
static guint
limit_connections (const KvSettings *settings, guint files)
{
  guint reserved = count_reserved_files (settings);
  guint room = files > reserved ? files - reserved : 0;

  if (room > 0 && room < settings->max_connections)
    g_message (_ ("HTTP connections at a time: %u at most, as only %u files may be open"), room,
               files);
  return CLAMP (settings->max_connections, 1, MAX (room, 1));
}

/* GLib ends the process when it lacks a descriptor for itself, so there have to be enough of them. */
static gboolean
check_files (KvApplication *self, GError **error)
{
  guint needed = count_reserved_files (self->settings) + 1;

  if (self->files >= needed)
    return TRUE;
  g_set_error (error, KV_ERROR, KV_ERROR_UNAVAILABLE,
               _ ("Only %u files may be open, and %u at least are needed (see “ulimit -n”)"),
               self->files, needed);
  return FALSE;
}

KvApplication *
kv_application_new (const KvSettings *settings)
{
  KvApplication *self = g_object_new (KV_TYPE_APPLICATION, NULL);
  gsize json_per_value =
    kv_http_default_limits.max_json_size / kv_http_default_limits.max_value_size;

  self->settings = settings;
  self->files = kv_process_raise_file_limit ();
  self->limits = kv_http_default_limits;
  self->limits.max_connections = limit_connections (settings, self->files);
  self->limits.max_value_size = settings->max_value_size;
  /* A value must also fit when it comes in a batch. */
  self->limits.max_json_size =
    MAX (self->limits.max_json_size, settings->max_value_size * MAX (json_per_value, 1));
  self->store = kv_store_new ();
  self->limiter = kv_rate_limiter_new (settings->rate, settings->burst);
  self->metrics = kv_metrics_new ();
  return self;
}

static gboolean
listen_on_default (KvApplication *self, GError **error)
{
  const char *address = self->settings->http[0];
  g_autofree char *ipv4_only = NULL;

  if (kv_process_has_ipv6_loopback ())
    return kv_http_server_listen (self->http, address, error);
  ipv4_only = g_strconcat ("127.0.0.1", strrchr (address, ':'), NULL);
  return kv_http_server_listen (self->http, ipv4_only, error);
}

static gboolean
listen_http (KvApplication *self, GError **error)
{
  const KvSettings *settings = self->settings;

  if (settings->http[0] == NULL)
    return TRUE;
  self->http = kv_http_server_new (self->store, self->limiter, &self->limits,
                                   settings->http_threads, !settings->no_express);
  kv_http_server_set_allow_remote (self->http, settings->allow_remote);
  if (settings->http_is_default)
    return listen_on_default (self, error);
  for (char **address = settings->http; *address != NULL; address++)
    {
      if (!kv_http_server_listen (self->http, *address, error))
        return FALSE;
    }
  return TRUE;
}

/* When it is known who there is, and before anybody can ask. */
static void
gather_metrics (KvApplication *self)
{
  kv_metrics_add (self->metrics, kv_figures_write_build, NULL);
  kv_metrics_add (self->metrics, kv_process_figures_write, NULL);
  kv_metrics_add (self->metrics, kv_figures_write_store, self->store);
  if (self->journal != NULL)
    kv_metrics_add (self->metrics, kv_figures_write_journal, self->journal);
  kv_metrics_add (self->metrics, kv_figures_write_limiter, self->limiter);
  if (self->bus != NULL)
    kv_dbus_service_add_metrics (self->bus, self->metrics);
  kv_http_server_set_metrics (self->http, self->metrics);
}

/* Both doors are open. */
static void
announce (KvApplication *self)
{
  g_auto (GStrv) addresses = NULL;
  g_autoptr (GError) error = NULL;

  if (self->http != NULL)
    {
      addresses = kv_http_server_get_addresses (self->http);
      for (char **address = addresses; *address != NULL; address++)
        g_message (_ ("Listening on %s"), *address);
    }
  if (self->bus != NULL)
    {
      g_autofree char *address = kv_dbus_service_get_address (self->bus);

      g_message (_ ("Serving %s"), address);
    }
  if (self->settings->ready_fd >= 0
      && !kv_ready_tell (self->settings->ready_fd, (const char *const *) addresses,
                         self->bus != NULL, &error))
    g_warning (_ ("Cannot tell that the service is ready: %s"), error->message);
}

static void
finish_start (GTask *task)
{
  KvApplication *self = g_task_get_source_object (task);
  GError *error = NULL;

  if (self->http != NULL)
    gather_metrics (self);
  if (self->http != NULL && !kv_http_server_start (self->http, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  announce (self);
  g_task_return_boolean (task, TRUE);
}

/* A desktop has a session bus, a server or a container mostly none: who did not ask for one gets HTTP alone. */
static gboolean
can_do_without_bus (KvApplication *self)
{
  return self->settings->bus_is_default && self->http != NULL;
}

static void
on_bus_started (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  KvApplication *self = g_task_get_source_object (task);
  GError *error = NULL;

  if (kv_dbus_service_start_finish (KV_DBUS_SERVICE (source), result, &error))
    {
      finish_start (task);
      return;
    }
  /* The address may be a stale one, of a session that is over. A name that somebody else has is another matter: there is a
   * bus, and those on it would talk to another store than those who use HTTP. */
  if (!can_do_without_bus (self) || !g_error_matches (error, KV_ERROR, KV_ERROR_UNAVAILABLE))
    {
      g_task_return_error (task, error);
      return;
    }
  g_message (_ ("%s; serving HTTP only"), error->message);
  g_clear_error (&error);
  g_clear_object (&self->bus);
  finish_start (task);
}

static gboolean
goes_without_bus (KvApplication *self)
{
  if (self->settings->bus == NULL)
    return TRUE;
  if (!can_do_without_bus (self) || kv_process_has_session_bus ())
    return FALSE;
  g_message (_ ("There is no session bus: serving HTTP only"));
  return TRUE;
}

/* Addresses first: they fail at once, and a bus name that comes and goes again would mislead those who wait for it. */
static void
open_doors (GTask *task)
{
  KvApplication *self = g_task_get_source_object (task);
  GError *error = NULL;

  if (!listen_http (self, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  if (goes_without_bus (self))
    {
      finish_start (task);
      return;
    }
  self->bus = kv_dbus_service_new (self->store, self->limiter, self->limits.max_value_size);
  kv_dbus_service_start_async (self->bus, self->settings->bus, g_task_get_cancellable (task),
                               on_bus_started, g_object_ref (task));
}

static void
on_journal_opened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  KvApplication *self = g_task_get_source_object (task);
  GError *error = NULL;

  if (!kv_journal_open_finish (KV_JOURNAL (source), result, &error))
    {
      g_clear_object (&self->journal);
      g_task_return_error (task, error);
      return;
    }
  open_doors (task);
}

void
kv_application_start_async (KvApplication *self,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  GError *error = NULL;

  g_task_set_source_tag (task, kv_application_start_async);
  /* What has been opened must be stopped in order, so a success stays one. */
  g_task_set_check_cancellable (task, FALSE);
  if (!check_files (self, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  if (self->settings->database == NULL)
    {
      open_doors (task);
      return;
    }
  self->journal = kv_sqlite_journal_new (self->settings->database, self->settings->durability);
  kv_journal_open_async (self->journal, self->store, cancellable, on_journal_opened,
                         g_steal_pointer (&task));
}

gboolean
kv_application_start_finish (KvApplication *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
finish_stop (GTask *task)
{
  KvApplication *self = g_task_get_source_object (task);

  if (self->stop_error != NULL)
    g_task_return_error (task, g_steal_pointer (&self->stop_error));
  else
    g_task_return_boolean (task, TRUE);
}

static void
note_stop_error (KvApplication *self, GError *error)
{
  if (self->stop_error == NULL)
    self->stop_error = error;
  else
    g_clear_error (&error);
}

static void on_journal_closed (GObject *source, GAsyncResult *result, gpointer user_data);

static void
close_journal (GTask *task)
{
  KvApplication *self = g_task_get_source_object (task);

  self->closing = TRUE;
  self->stops_pending++;
  kv_journal_close_async (self->journal, on_journal_closed, g_object_ref (task));
}

/* The journal goes when the doors are closed and the last writes are answered: for that it had to be there. */
static void
finish_one_stop (GTask *task, GError *error)
{
  KvApplication *self = g_task_get_source_object (task);

  note_stop_error (self, error);
  if (--self->stops_pending > 0)
    return;

  g_clear_handle_id (&self->stop_timeout, g_source_remove);
  if (self->journal != NULL && !self->closing)
    close_journal (task);
  else
    finish_stop (task);
}

static void
on_journal_closed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  kv_journal_close_finish (KV_JOURNAL (source), result, &error);
  finish_one_stop (task, error);
}

static void
on_http_stopped (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  kv_http_server_stop_finish (KV_HTTP_SERVER (source), result, &error);
  finish_one_stop (task, error);
}

static void
on_bus_stopped (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  kv_dbus_service_stop_finish (KV_DBUS_SERVICE (source), result, &error);
  finish_one_stop (task, error);
}

static gboolean
on_last_words_timeout (gpointer user_data)
{
  GTask *task = user_data;
  KvApplication *self = g_task_get_source_object (task);

  self->stop_timeout = 0;
  g_cancellable_cancel (g_task_get_cancellable (task));
  return G_SOURCE_REMOVE;
}

/* Who still waits may do so for a disk that does not say what has become of a write. The journal ends that, which has
 * to be while there are doors to answer through: nobody gives an answer in a context that is gone. */
static gboolean
on_stop_timeout (gpointer user_data)
{
  GTask *task = user_data;
  KvApplication *self = g_task_get_source_object (task);

  self->stop_timeout = g_timeout_add_seconds (LAST_WORDS_SECONDS, on_last_words_timeout, task);
  if (self->journal != NULL)
    close_journal (task);
  return G_SOURCE_REMOVE;
}

void
kv_application_stop_async (KvApplication *self, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_source_tag (task, kv_application_stop_async);
  g_task_set_check_cancellable (task, FALSE);

  /* The HTTP door keeps the time by itself; a bus that does not answer must not keep us either. */
  self->stop_timeout = g_timeout_add_seconds (STOP_GRACE_SECONDS, on_stop_timeout, task);
  self->stops_pending = (self->http != NULL) + (self->bus != NULL);
  if (self->http != NULL)
    kv_http_server_stop_async (self->http,
                               (STOP_GRACE_SECONDS + LAST_WORDS_SECONDS) * G_USEC_PER_SEC,
                               on_http_stopped, g_object_ref (task));
  if (self->bus != NULL)
    kv_dbus_service_stop_async (self->bus, cancellable, on_bus_stopped, g_object_ref (task));
}

gboolean
kv_application_stop_finish (KvApplication *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}
