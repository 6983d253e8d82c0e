/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-watch.h"

#include "core/kv-error.h"
#include "dbus/kv-dbus-codec.h"
#include "dbus/kv-dbus-error.h"
#include "dbus/kv-dbus-generated.h"
#include "dbus/kv-dbus-names.h"
#include "store/kv-watch.h"

/* A signal ends when it holds so many changes, or so many bytes of keys and values. */
#define MAX_SIGNAL_CHANGES 1024
#define MAX_SIGNAL_BYTES (256 * 1024)

struct _KvDbusWatch {
  GDBusConnection *connection; /* (owned) */
  char *owner;                 /* (owned) */
  char *path;                  /* (owned) */
  KvDbusFlow *flow;            /* (borrowed) of the owner, who outlives its watches */
  KvWatch *source;             /* (owned) */
  guint n_names;
  guint registration;
  KvWatchEvent ahead; /* an event that was taken too early; when has_ahead is set */
  gboolean has_ahead;
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

/* Whether a change of the same revision follows, or may. The one that ends the revision in the log may be one that the filter
 * leaves out, so ask for the next; when it is not there yet, take it that it comes: whoever resumes here would miss it. */
static gboolean
may_follow (KvDbusWatch *watch, const KvWatchEvent *event)
{
  if (event->type != KV_WATCH_CHANGE || event->change.last)
    return FALSE;
  watch->has_ahead = kv_watch_next (watch->source, &watch->ahead);

  return !watch->has_ahead
         || (watch->ahead.type == KV_WATCH_CHANGE
             && watch->ahead.change.revision == event->change.revision);
}

static gsize
measure (const KvWatchEvent *event)
{
  const KvEntry *entry = event->type == KV_WATCH_CHANGE ? event->change.entry : event->entry;

  return entry != NULL ? kv_entry_get_size (entry) : KV_KEY_MAX_BYTES / 8;
}

static void
send_signal (KvDbusWatch *watch, const char *signal, GVariant *parameters)
{
  kv_dbus_flow_send (watch->flow, watch->path, KV_DBUS_WATCH_INTERFACE, signal, parameters);
}

static void
send_reset (KvDbusWatch *watch, guint64 revision)
{
  GVariantBuilder details;

  g_variant_builder_init (&details, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&details, "{sv}", "revision", g_variant_new_uint64 (revision));
  send_signal (watch, "Reset", g_variant_new ("(a{sv})", &details));
}

/* Sends one signal. FALSE when there was nothing to send. */
static gboolean
send_batch (KvDbusWatch *watch)
{
  GVariantBuilder changes;
  guint n_changes = 0;
  gsize bytes = 0;

  g_variant_builder_init (&changes, G_VARIANT_TYPE ("a(tussa{sv})"));
  while (n_changes < MAX_SIGNAL_CHANGES && bytes < MAX_SIGNAL_BYTES)
    {
      g_auto (KvWatchEvent) event = { 0 };

      if (!take_event (watch, &event))
        break;
      if (event.type == KV_WATCH_RESET)
        {
          if (n_changes > 0)
            {
              put_back (watch, &event);
              break;
            }
          g_variant_builder_clear (&changes);
          send_reset (watch, event.revision);
          return TRUE;
        }
      bytes += measure (&event);
      g_variant_builder_add_value (&changes,
                                   kv_dbus_codec_change (&event, may_follow (watch, &event)));
      n_changes++;
    }

  if (n_changes == 0)
    {
      g_variant_builder_clear (&changes);
      return FALSE;
    }
  send_signal (watch, "Changed", g_variant_new ("(a(tussa{sv}))", &changes));

  return TRUE;
}

void
kv_dbus_watch_pump (KvDbusWatch *watch)
{
  while (kv_dbus_flow_is_open (watch->flow) && send_batch (watch))
    ;
}

static void
on_readable (KvWatch *source, gpointer user_data)
{
  kv_dbus_watch_pump (user_data);
}

/* The object is there to be introspected. Its method is carried out by the dispatcher, before GDBus looks for it. */
static const GDBusInterfaceVTable watch_vtable = { .method_call = kv_dbus_error_refuse };

static gboolean export(KvDbusWatch *watch, GError **error)
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
                   const char *owner,
                   const char *path,
                   const KvDbusWatchSpec *spec,
                   KvDbusFlow *flow,
                   GError **error)
{
  g_autoptr (KvDbusWatch) watch = g_new0 (KvDbusWatch, 1);

  watch->connection = g_object_ref (connection);
  watch->owner = g_strdup (owner);
  watch->path = g_strdup (path);
  watch->flow = flow;
  watch->n_names = kv_dbus_watch_spec_count (spec);
  watch->source =
    kv_watch_new (store, spec->keys, spec->prefixes, spec->since, on_readable, watch, error);
  if (watch->source == NULL || !export(watch, error))
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
  g_clear_object (&watch->connection);
  g_free (watch->owner);
  g_free (watch->path);
  g_free (watch);
}
