/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-watch.h"

#include "core/kv-error.h"
#include "dbus/kv-dbus-codec.h"
#include "dbus/kv-dbus-error.h"
#include "dbus/kv-dbus-generated.h"
#include "dbus/kv-dbus-names.h"
#include "dbus/kv-dbus-outbox.h"
#include "store/kv-watch.h"

/* A signal ends when it holds so many changes, or so many bytes of keys and values, and a revision is over; or when it holds
 * several times as much. */
#define MAX_SIGNAL_CHANGES 1024
#define MAX_SIGNAL_BYTES (256 * 1024)
#define MAX_FOR_A_REVISION 4

/* Nobody looks at what a bus may answer to a signal. */
#define SIGNAL_SERIAL KV_DBUS_FIRST_SERIAL

struct _KvDbusWatch {
  GDBusConnection *connection; /* (owned) */
  KvDbusTally *tally;          /* (owned) */
  char *owner;                 /* (owned) */
  char *path;                  /* (owned) */
  KvDbusFlow *flow;            /* (borrowed) of the owner, who outlives its watches */
  KvWatch *source;             /* (owned) */
  guint n_names;
  guint registration;
  KvWatchEvent ahead; /* an event that was taken too early; when has_ahead is set */
  gboolean has_ahead;
  KvDbusBuffer signal; /* being written; empty in between */
};

static gboolean
take_event (KvDbusWatch *watch, KvWatchEvent *event)
{
  if (!watch->has_ahead)
    return kv_watch_next (watch->source, event);

  *event = watch->ahead;
  watch->ahead = (KvWatchEvent){ 0 };
  watch->has_ahead = FALSE;

  return TRUE;
}

static void
put_back (KvDbusWatch *watch, KvWatchEvent *event)
{
  watch->ahead = *event;
  watch->has_ahead = TRUE;
  *event = (KvWatchEvent){ 0 };
}

static gsize
measure (const KvWatchEvent *event)
{
  const KvEntry *entry = event->type == KV_WATCH_CHANGE ? event->change.entry : event->entry;

  return entry != NULL ? kv_entry_get_size (entry) : KV_KEY_MAX_BYTES / 8;
}

static void
drop_signal (KvDbusWatch *watch)
{
  kv_dbus_buffer_consume (&watch->signal, kv_dbus_buffer_get_length (&watch->signal));
}

/* Signals are written here and not into the outbox, which nothing else may happen to meanwhile: events are taken from the store. */
static void
begin_signal (KvDbusWatch *watch, KvDbusWriter *writer, const char *name, const char *signature)
{
  const KvDbusHead head = {
    .type = KV_DBUS_TYPE_SIGNAL,
    .flags = KV_DBUS_FLAG_NO_REPLY_EXPECTED,
    .serial = SIGNAL_SERIAL,
    .path = watch->path,
    .interface = KV_DBUS_WATCH_INTERFACE,
    .member = name,
    .destination = watch->owner,
    .signature = signature,
  };

  kv_dbus_writer_begin (writer, &watch->signal, &head);
}

static void
send_signal (KvDbusWatch *watch, KvDbusWriter *writer)
{
  kv_dbus_writer_end (writer);
  kv_dbus_flow_send (watch->flow, watch->signal.data, kv_dbus_buffer_get_length (&watch->signal));
  drop_signal (watch);
}

static void
send_reset (KvDbusWatch *watch, guint64 revision)
{
  KvDbusWriter writer;

  begin_signal (watch, &writer, "Reset", "a{sv}");
  kv_dbus_codec_write_reset (&writer, revision);
  send_signal (watch, &writer);
  kv_dbus_tally_count_reset (watch->tally);
}

static gboolean
is_full (guint n_changes, gsize bytes, guint times)
{
  return n_changes >= times * MAX_SIGNAL_CHANGES || bytes >= times * MAX_SIGNAL_BYTES;
}

/* Takes changes up to where a signal is full, or something else comes. Gives how many. */
static guint
write_changes (KvDbusWatch *watch, KvDbusWriter *writer)
{
  guint n_changes = 0;
  guint n_events = 0;
  gsize bytes = 0;
  gboolean amid = FALSE;

  while (!is_full (n_changes, bytes, amid ? MAX_FOR_A_REVISION : 1))
    {
      g_auto (KvWatchEvent) event = { 0 };

      if (!take_event (watch, &event))
        break;
      if (event.type == KV_WATCH_RESET)
        {
          put_back (watch, &event);
          break;
        }
      bytes += measure (&event);
      amid = event.type == KV_WATCH_CHANGE && !event.change.last;
      kv_dbus_codec_write_change (writer, &event);
      n_changes++;
      n_events += event.type != KV_WATCH_SNAPSHOT_END;
    }
  kv_dbus_tally_count_events (watch->tally, n_events);

  return n_changes;
}

static gboolean
send_changes (KvDbusWatch *watch)
{
  KvDbusWriter writer;
  KvDbusArray changes;

  begin_signal (watch, &writer, "Changed", "a" KV_DBUS_CHANGE_TYPE);
  changes = kv_dbus_writer_open_array (&writer, KV_DBUS_CHANGE_TYPE);
  if (write_changes (watch, &writer) == 0)
    {
      drop_signal (watch);
      return FALSE;
    }
  kv_dbus_writer_close_array (&writer, changes);
  send_signal (watch, &writer);

  return TRUE;
}

/* Sends one signal. FALSE when there was nothing to send. */
static gboolean
send_next (KvDbusWatch *watch)
{
  g_auto (KvWatchEvent) event = { 0 };

  if (!take_event (watch, &event))
    return FALSE;
  if (event.type == KV_WATCH_RESET)
    {
      send_reset (watch, event.revision);
      return TRUE;
    }
  put_back (watch, &event);

  return send_changes (watch);
}

void
kv_dbus_watch_pump (KvDbusWatch *watch)
{
  while (kv_dbus_flow_is_open (watch->flow) && send_next (watch))
    ;
}

static void
on_readable (KvWatch *source, gpointer user_data)
{
  kv_dbus_watch_pump (user_data);
}

/* The object is there to be introspected. Its method is carried out by the dispatcher, and never gets to GDBus. */
static const GDBusInterfaceVTable watch_vtable = { .method_call = kv_dbus_error_refuse };

static gboolean
register_object (KvDbusWatch *watch, GError **error)
{
  g_autoptr (GError) inner = NULL;

  watch->registration = g_dbus_connection_register_object (
    watch->connection, watch->path, kv_dbus_kv_store1_watch_interface_info (), &watch_vtable, watch,
    NULL, &inner);
  if (watch->registration != 0)
    return TRUE;
  g_set_error (error, KV_ERROR, KV_ERROR_FAILED, "The watch cannot be put on the bus: %s",
               inner->message);

  return FALSE;
}

guint
kv_dbus_watch_spec_count (const KvDbusWatchSpec *spec)
{
  return g_strv_length ((char **) spec->keys) + g_strv_length ((char **) spec->prefixes);
}

KvDbusWatch *
kv_dbus_watch_new (KvStore *store,
                   GDBusConnection *connection,
                   KvDbusTally *tally,
                   const char *owner,
                   const char *path,
                   const KvDbusWatchSpec *spec,
                   KvDbusFlow *flow,
                   GError **error)
{
  g_autoptr (KvDbusWatch) watch = g_new0 (KvDbusWatch, 1);

  watch->connection = g_object_ref (connection);
  watch->tally = kv_dbus_tally_ref (tally);
  kv_dbus_tally_add_watches (tally, 1);
  watch->owner = g_strdup (owner);
  watch->path = g_strdup (path);
  watch->flow = flow;
  watch->n_names = kv_dbus_watch_spec_count (spec);
  watch->source =
    kv_watch_new (store, spec->keys, spec->prefixes, spec->since, on_readable, watch, error);
  if (watch->source == NULL || !register_object (watch, error))
    return NULL;

  return g_steal_pointer (&watch);
}

const char *
kv_dbus_watch_get_owner (const KvDbusWatch *watch)
{
  return watch->owner;
}

const char *
kv_dbus_watch_get_path (const KvDbusWatch *watch)
{
  return watch->path;
}

guint
kv_dbus_watch_get_names (const KvDbusWatch *watch)
{
  return watch->n_names;
}

void
kv_dbus_watch_free (KvDbusWatch *watch)
{
  if (watch->registration != 0)
    g_dbus_connection_unregister_object (watch->connection, watch->registration);
  g_clear_pointer (&watch->source, kv_watch_free);
  kv_watch_event_clear (&watch->ahead);
  kv_dbus_buffer_clear (&watch->signal);
  g_clear_object (&watch->connection);
  kv_dbus_tally_add_watches (watch->tally, -1);
  kv_dbus_tally_unref (watch->tally);
  g_free (watch->owner);
  g_free (watch->path);
  g_free (watch);
}
