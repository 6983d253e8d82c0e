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
  KvStore *store;              /* (owned) */
  GDBusConnection *connection; /* (owned) */
  KvDbusTally *tally;          /* (owned) */
  char *owner;                 /* (owned) */
  char *path;                  /* (owned) */
  KvDbusFlow *flow;            /* (borrowed) of the owner, who outlives its watches */
  KvWatch *source;             /* (owned) */
  KvDbusShape shape;
  guint n_names;
  guint registration;
  guint64
    settling;   /* while a snapshot waits to be whole: the revision that it will be of; else 0 */
  guint64 told; /* all changes up to this revision have been told; 0 before the end of a snapshot */
  GSource *again;     /* (owned) (nullable): to see whether a snapshot is whole by now */
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
measure (const KvWatchEvent *event, KvDbusShape shape)
{
  const KvEntry *entry = event->type == KV_WATCH_CHANGE ? event->change.entry : event->entry;
  const KvEntry *previous = shape & KV_DBUS_SHAPE_PREVIOUS ? event->change.previous : NULL;
  gsize bytes = 0;

  if (entry != NULL && (shape & KV_DBUS_SHAPE_VALUES) != 0)
    bytes += kv_entry_get_size (entry);
  if (previous != NULL && (shape & KV_DBUS_SHAPE_VALUES) != 0)
    bytes += kv_entry_get_size (previous);

  return MAX (bytes, KV_KEY_MAX_BYTES / 8);
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
send_reset (KvDbusWatch *watch, const KvWatchEvent *event)
{
  KvDbusWriter writer;

  watch->settling = 0;
  watch->told = 0;
  begin_signal (watch, &writer, "Reset", "a{sv}");
  kv_dbus_codec_write_reset (&writer, event->oldest, event->revision);
  send_signal (watch, &writer);
  kv_dbus_tally_count_reset (watch->tally);
}

static gboolean
is_full (guint n_changes, gsize bytes, guint times)
{
  return n_changes >= times * MAX_SIGNAL_CHANGES || bytes >= times * MAX_SIGNAL_BYTES;
}

/* A signal on its way. */
typedef struct {
  KvDbusWriter writer;
  guint n_changes;
  guint n_events; /* of those: what is counted */
  gsize bytes;
  gboolean amid; /* a revision, of which more is to come */
} Signal;

static void
write_event (KvDbusWatch *watch, Signal *signal, const KvWatchEvent *event)
{
  signal->bytes += measure (event, watch->shape);
  kv_dbus_codec_write_change (&signal->writer, event, watch->shape);
  signal->n_changes++;
  signal->n_events += event->type != KV_WATCH_SNAPSHOT_END;
}

static void
write_snapshot_end (KvDbusWatch *watch, Signal *signal, guint64 revision)
{
  const KvWatchEvent event = { .type = KV_WATCH_SNAPSHOT_END, .revision = revision };

  write_event (watch, signal, &event);
  watch->settling = 0;
  watch->told = revision;
}

static void
write_change (KvDbusWatch *watch, Signal *signal, const KvWatchEvent *event)
{
  const KvChange *change = &event->change;

  if (watch->settling != 0 && change->revision <= watch->settling)
    {
      const KvWatchEvent late = {
        .type = KV_WATCH_SNAPSHOT,
        .key = kv_change_get_key (change, NULL),
        .entry = change->entry,
      };

      write_event (watch, signal, &late);
      return;
    }

  if (watch->settling != 0)
    write_snapshot_end (watch, signal, watch->settling);
  write_event (watch, signal, event);
  signal->amid = !change->last;
  if (change->last)
    watch->told = change->revision;
}

static gboolean
on_again (gpointer user_data)
{
  KvDbusWatch *watch = user_data;

  g_clear_pointer (&watch->again, g_source_unref);
  kv_dbus_watch_pump (watch);

  return G_SOURCE_REMOVE;
}

/* There is nothing to take now. When that does not make a snapshot whole yet, the source need not call once it does. */
static void
settle (KvDbusWatch *watch, Signal *signal)
{
  guint64 revision;

  if (watch->settling == 0)
    return;
  if (kv_watch_get_progress (watch->source, &revision) && revision >= watch->settling)
    {
      write_snapshot_end (watch, signal, watch->settling);
      return;
    }
  if (watch->again != NULL)
    return;
  watch->again = g_idle_source_new ();
  g_source_set_callback (watch->again, on_again, watch, NULL);
  g_source_attach (watch->again, g_main_context_get_thread_default ());
}

/* Takes changes up to where a signal is full, or something else comes. */
static void
write_changes (KvDbusWatch *watch, Signal *signal)
{
  while (!is_full (signal->n_changes, signal->bytes, signal->amid ? MAX_FOR_A_REVISION : 1))
    {
      g_auto (KvWatchEvent) event = { 0 };

      if (!take_event (watch, &event))
        {
          settle (watch, signal);
          break;
        }
      if (event.type == KV_WATCH_RESET)
        {
          put_back (watch, &event);
          break;
        }
      if (event.type == KV_WATCH_CHANGE)
        write_change (watch, signal, &event);
      else if (event.type == KV_WATCH_SNAPSHOT)
        write_event (watch, signal, &event);
      else
        watch->settling = MAX (event.revision, kv_store_get_revision (watch->store));
    }
  kv_dbus_tally_count_events (watch->tally, signal->n_events);
}

static gboolean
send_changes (KvDbusWatch *watch)
{
  Signal signal = { 0 };
  KvDbusArray changes;

  begin_signal (watch, &signal.writer, "Changed", "a" KV_DBUS_CHANGE_TYPE);
  changes = kv_dbus_writer_open_array (&signal.writer, KV_DBUS_CHANGE_TYPE);
  write_changes (watch, &signal);
  if (signal.n_changes == 0)
    {
      drop_signal (watch);
      return FALSE;
    }
  kv_dbus_writer_close_array (&signal.writer, changes);
  send_signal (watch, &signal.writer);

  return TRUE;
}

/* Sends one signal. FALSE when there was nothing to send. */
static gboolean
send_next (KvDbusWatch *watch)
{
  g_auto (KvWatchEvent) event = { 0 };

  if (take_event (watch, &event))
    {
      if (event.type == KV_WATCH_RESET)
        {
          send_reset (watch, &event);
          return TRUE;
        }
      put_back (watch, &event);
    }
  else if (watch->settling == 0)
    return FALSE;

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

static guint64
get_progress (KvDbusWatch *watch)
{
  guint64 revision;

  /* What has been taken has been sent, or is a reset, behind which there is something to give. */
  if (watch->told != 0 && kv_watch_get_progress (watch->source, &revision))
    watch->told = MAX (watch->told, revision);

  return watch->told;
}

/* The one property there is. The answer takes the way of the signals, behind those that were sent before. */
static GVariant *
get_property (GDBusConnection *connection,
              const char *sender,
              const char *path,
              const char *interface,
              const char *property,
              GError **error,
              gpointer user_data)
{
  return g_variant_new_uint64 (get_progress (user_data));
}

/* Methods are carried out by the dispatcher, and never get to GDBus. */
static const GDBusInterfaceVTable watch_vtable = {
  .method_call = kv_dbus_error_refuse,
  .get_property = get_property,
};

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

static gboolean
begin_to_watch (KvDbusWatch *watch, const KvDbusWatchSpec *spec, GError **error)
{
  guint64 oldest, current;

  watch->source =
    kv_watch_new (watch->store, spec->keys, spec->prefixes, spec->since, on_readable, watch, error);
  if (watch->source == NULL)
    return FALSE;
  if (spec->since == KV_WATCH_FROM_NOW)
    return TRUE;
  if (kv_watch_resumes (watch->source))
    {
      watch->told = spec->since;
      return TRUE;
    }

  kv_store_get_history (watch->store, &oldest, &current);
  g_set_error (error, KV_ERROR, KV_ERROR_OUT_OF_REACH,
               "The changes after revision %" G_GUINT64_FORMAT " are not to be had: the oldest "
               "to begin after is %" G_GUINT64_FORMAT ", and the current is %" G_GUINT64_FORMAT,
               spec->since, oldest, current);

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

  watch->store = g_object_ref (store);
  watch->connection = g_object_ref (connection);
  watch->tally = kv_dbus_tally_ref (tally);
  kv_dbus_tally_add_watches (tally, 1);
  watch->owner = g_strdup (owner);
  watch->path = g_strdup (path);
  watch->flow = flow;
  watch->n_names = kv_dbus_watch_spec_count (spec);
  watch->shape = spec->shape;
  if (!begin_to_watch (watch, spec, error) || !register_object (watch, error))
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
  if (watch->again != NULL)
    g_source_destroy (watch->again);
  g_clear_pointer (&watch->again, g_source_unref);
  g_clear_pointer (&watch->source, kv_watch_free);
  kv_watch_event_clear (&watch->ahead);
  kv_dbus_buffer_clear (&watch->signal);
  g_clear_object (&watch->connection);
  g_clear_object (&watch->store);
  kv_dbus_tally_add_watches (watch->tally, -1);
  kv_dbus_tally_unref (watch->tally);
  g_free (watch->owner);
  g_free (watch->path);
  g_free (watch);
}
