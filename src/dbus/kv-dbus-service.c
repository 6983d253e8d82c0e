/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#define G_LOG_DOMAIN "kvstore"

#include "dbus/kv-dbus-service.h"

#include "core/kv-error.h"
#include "dbus/kv-dbus-address.h"
#include "dbus/kv-dbus-dispatcher.h"
#include "dbus/kv-dbus-error.h"
#include "dbus/kv-dbus-generated.h"
#include "dbus/kv-dbus-meter.h"
#include "dbus/kv-dbus-names.h"
#include "kv-config.h"

#include <glib/gi18n-lib.h>

/* From the D-Bus specification, RequestName. */
#define REQUEST_NAME_DO_NOT_QUEUE 4u
#define REQUEST_NAME_PRIMARY_OWNER 1u
#define REQUEST_NAME_ALREADY_OWNER 4u

/* How long to wait before the next attempt to get back on the bus, in seconds: doubled each time. */
#define FIRST_RETRY_SECONDS 1
#define LAST_RETRY_SECONDS 30

/* A bus that does not take the name back in this time, in milliseconds, is left without waiting for it. */
#define RELEASE_TIMEOUT_MS 2000

struct _KvDbusService {
  GObject parent_instance;

  KvStore *store;         /* (owned) */
  KvRateLimiter *limiter; /* (borrowed) */
  KvDbusTally *tally;     /* (owned) */
  gsize max_value_size;   /* in bytes */
  char *bus;              /* (owned) (nullable): set by start */
  KvDbusLink *link; /* (owned) (nullable): from the hello to the bus until it is left or lost */
  GDBusConnection *connection;  /* (borrowed) of the link */
  KvDbusDispatcher *dispatcher; /* (owned) (nullable): as long as there is a link */
  KvDbusMeter *meter; /* (owned) (nullable): of those who read properties; as long as that */
  guint registration;
  gulong closed_handler; /* only once the name is ours */
  GCancellable *retry;   /* (owned): of the attempts to get back on the bus */
  GSource *retry_source; /* (owned) (nullable) */
  guint retry_seconds;
  gboolean stopping;
};

G_DEFINE_FINAL_TYPE (KvDbusService, kv_dbus_service, G_TYPE_OBJECT)

/* --- the object --- */

static GVariant *
on_get_property (GDBusConnection *connection,
                 const char *sender,
                 const char *path,
                 const char *interface,
                 const char *property,
                 GError **error,
                 gpointer user_data)
{
  KvDbusService *self = user_data;

  if (!kv_dbus_meter_admit (self->meter, sender != NULL ? sender : "", 1, error))
    return NULL;
  if (g_str_equal (property, "Version"))
    return g_variant_new_string (KV_VERSION);
  if (g_str_equal (property, "Revision"))
    return g_variant_new_uint64 (kv_store_get_revision (self->store));
  if (g_str_equal (property, "Keys"))
    return g_variant_new_uint64 (kv_store_count (self->store));

  g_return_val_if_reached (NULL);
}

/* For introspection, and for the properties, which are read in the main context. Methods are the dispatcher's. */
static const GDBusInterfaceVTable service_vtable = {
  .method_call = kv_dbus_error_refuse,
  .get_property = on_get_property,
};

/* Takes the object off the bus, and the watches with it, and lets the link go. When this returns nothing runs in another
 * thread that knows of the service. */
static void
detach (KvDbusService *self)
{
  if (self->connection == NULL)
    return;

  kv_dbus_tally_set_connected (self->tally, FALSE);
  g_clear_signal_handler (&self->closed_handler, self->connection);
  if (self->registration != 0)
    g_dbus_connection_unregister_object (self->connection, self->registration);
  self->registration = 0;
  g_clear_pointer (&self->dispatcher, kv_dbus_dispatcher_close);
  g_clear_pointer (&self->meter, kv_dbus_meter_free);
  self->connection = NULL;
  g_clear_pointer (&self->link, kv_dbus_link_free);
}

/* @link: (transfer full) */
static gboolean
attach (KvDbusService *self, KvDbusLink *link, GError **error)
{
  g_autoptr (GError) inner = NULL;

  self->link = link;
  self->connection = kv_dbus_link_get_connection (link);
  self->meter = kv_dbus_meter_new (self->limiter);
  self->dispatcher =
    kv_dbus_dispatcher_new (link, self->store, self->limiter, self->max_value_size, self->tally);
  self->registration = g_dbus_connection_register_object (self->connection, KV_DBUS_OBJECT_PATH,
                                                          kv_dbus_kv_store1_interface_info (),
                                                          &service_vtable, self, NULL, &inner);
  if (self->registration != 0)
    return TRUE;
  g_set_error (error, KV_ERROR, KV_ERROR_FAILED, _ ("The object cannot be put on the bus: %s"),
               inner->message);

  return FALSE;
}

/* --- getting on the bus --- */

static void on_closed (GDBusConnection *connection,
                       gboolean remote_peer_vanished,
                       const GError *error,
                       gpointer user_data);

/* Leaves the bus again; @error: (transfer full). Who can do without a bus has to know one that cannot be reached from one
 * that does not let us have our place. */
static void
fail_to_open (GTask *task, GError *error)
{
  KvDbusService *self = g_task_get_source_object (task);
  KvError code = self->connection == NULL ? KV_ERROR_UNAVAILABLE : KV_ERROR_FAILED;
  g_autofree char *where = NULL;

  detach (self);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || error->domain == KV_ERROR)
    {
      g_task_return_error (task, error);
      return;
    }
  g_dbus_error_strip_remote_error (error);
  where = kv_dbus_address_describe (self->bus);
  g_task_return_new_error (task, KV_ERROR, (int) code, _ ("Cannot get on %s: %s"), where,
                           error->message);
  g_error_free (error);
}

static void
on_name_requested (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  GDBusConnection *connection = G_DBUS_CONNECTION (source);
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (connection, result, &error);
  KvDbusService *self = g_task_get_source_object (task);
  guint32 answer;

  if (reply != NULL && self->stopping)
    g_set_error_literal (&error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "Stopped before it had started");
  if (error != NULL)
    {
      fail_to_open (task, g_steal_pointer (&error));
      return;
    }
  g_variant_get (reply, "(u)", &answer);
  if (answer != REQUEST_NAME_PRIMARY_OWNER && answer != REQUEST_NAME_ALREADY_OWNER)
    {
      fail_to_open (task,
                    g_error_new (KV_ERROR, KV_ERROR_FAILED,
                                 _ ("Somebody else has the name %s: is another kvstored running?"),
                                 KV_DBUS_NAME));
      return;
    }

  self->closed_handler = g_signal_connect (connection, "closed", G_CALLBACK (on_closed), self);
  kv_dbus_tally_set_connected (self->tally, TRUE);
  g_task_return_boolean (task, TRUE);
  /* It may have been lost before there was anybody to be told. */
  if (g_dbus_connection_is_closed (connection))
    on_closed (connection, TRUE, NULL, self);
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  KvDbusService *self = g_task_get_source_object (task);
  GCancellable *cancellable = g_task_get_cancellable (task);
  KvDbusLink *link = kv_dbus_link_open_finish (result, &error);

  if (link == NULL || !attach (self, link, &error))
    {
      fail_to_open (task, g_steal_pointer (&error));
      return;
    }
  g_dbus_connection_call (
    self->connection, KV_DBUS_BUS_NAME, KV_DBUS_BUS_PATH, KV_DBUS_BUS_INTERFACE, "RequestName",
    g_variant_new ("(su)", KV_DBUS_NAME, REQUEST_NAME_DO_NOT_QUEUE), G_VARIANT_TYPE ("(u)"),
    G_DBUS_CALL_FLAGS_NONE, -1, cancellable, on_name_requested, g_steal_pointer (&task));
}

static void
open_bus (KvDbusService *self,
          GCancellable *cancellable,
          GAsyncReadyCallback callback,
          gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  g_autoptr (GError) error = NULL;
  g_autofree char *address = NULL;

  g_task_set_source_tag (task, open_bus);
  address = kv_dbus_address_find (self->bus, &error);
  if (address == NULL)
    {
      fail_to_open (task, g_steal_pointer (&error));
      return;
    }
  kv_dbus_link_open_async (address, cancellable, on_connected, g_steal_pointer (&task));
}

/* --- getting back on the bus --- */

static void schedule_retry (KvDbusService *self);

static void
on_reopened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  KvDbusService *self = KV_DBUS_SERVICE (source);
  g_autofree char *where = kv_dbus_address_describe (self->bus);
  g_autoptr (GError) error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    {
      self->retry_seconds = FIRST_RETRY_SECONDS;
      g_message (_ ("Back on %s"), where);
      return;
    }
  if (self->stopping)
    return;
  g_debug ("Not yet back on %s: %s", where, error->message);
  schedule_retry (self);
}

static gboolean
on_retry (gpointer user_data)
{
  KvDbusService *self = user_data;

  g_clear_pointer (&self->retry_source, g_source_unref);
  open_bus (self, self->retry, on_reopened, NULL);

  return G_SOURCE_REMOVE;
}

static void
schedule_retry (KvDbusService *self)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();

  self->retry_source = g_timeout_source_new_seconds (self->retry_seconds);
  g_source_set_static_name (self->retry_source, "kv-dbus-retry");
  g_source_set_callback (self->retry_source, on_retry, self, NULL);
  g_source_attach (self->retry_source, context);
  self->retry_seconds = MIN (self->retry_seconds * 2, LAST_RETRY_SECONDS);
}

static void
on_closed (GDBusConnection *connection,
           gboolean remote_peer_vanished,
           const GError *error,
           gpointer user_data)
{
  KvDbusService *self = user_data;
  g_autofree char *where = kv_dbus_address_describe (self->bus);

  if (self->connection != connection)
    return;
  if (error != NULL)
    g_message (_ ("Lost %s (%s); the store goes on, and tries to get back there"), where,
               error->message);
  else
    g_message (_ ("Lost %s; the store goes on, and tries to get back there"), where);
  detach (self);
  schedule_retry (self);
}

/* --- start and stop --- */

void
kv_dbus_service_add_metrics (KvDbusService *self, KvMetrics *metrics)
{
  g_return_if_fail (KV_IS_DBUS_SERVICE (self));

  kv_metrics_add (metrics, kv_dbus_tally_write, self->tally);
}

void
kv_dbus_service_start_async (KvDbusService *self,
                             const char *bus,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_return_if_fail (KV_IS_DBUS_SERVICE (self));
  g_return_if_fail (self->bus == NULL);

  self->bus = g_strdup (bus);
  open_bus (self, cancellable, callback, user_data);
}

gboolean
kv_dbus_service_start_finish (KvDbusService *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

char *
kv_dbus_service_get_address (KvDbusService *self)
{
  g_autofree char *where = NULL;

  g_return_val_if_fail (KV_IS_DBUS_SERVICE (self), NULL);

  if (self->closed_handler == 0)
    return NULL;
  where = kv_dbus_address_describe (self->bus);

  /* Translators: a name on a bus, as in “org.kvstore.KvStore1 on the session bus”. */
  return g_strdup_printf (_ ("%s on %s"), KV_DBUS_NAME, where);
}

/* What GDBus has to send goes to the relay, which is at its end once that has gone on to the bus with what is the relay's own. */
static void
flush_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  GDBusConnection *connection = G_DBUS_CONNECTION (source);

  g_dbus_connection_flush_sync (connection, NULL, NULL);
  /* A connection that the bus has cut meanwhile is closed as well. */
  g_dbus_connection_close_sync (connection, NULL, NULL);
  kv_dbus_outbox_wait_closed (task_data);
  g_task_return_boolean (task, TRUE);
}

/* Whether all has been written, or a bus that reads nothing was waited for in vain: nothing more can be done. The thread, should it
 * still wait, does so until the link is gone. */
static void
on_flushed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;

  detach (g_task_get_source_object (task));
  g_task_return_boolean (task, TRUE);
}

static void
on_drained (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  KvDbusService *self = g_task_get_source_object (task);
  GCancellable *cancellable = g_task_get_cancellable (task);
  KvDbusOutbox *outbox = kv_dbus_relay_get_outbox (kv_dbus_link_get_relay (self->link));
  g_autoptr (GTask) flush =
    g_task_new (self->connection, cancellable, on_flushed, g_steal_pointer (&task));

  kv_dbus_dispatcher_drain_finish (result, NULL);
  /* Not g_dbus_connection_flush(), which takes a cancellable and looks at it no more. */
  g_task_set_source_tag (flush, on_drained);
  g_task_set_task_data (flush, kv_dbus_outbox_ref (outbox), (GDestroyNotify) kv_dbus_outbox_unref);
  g_task_set_return_on_cancel (flush, TRUE);
  g_task_run_in_thread (flush, flush_in_thread);
}

/* Whatever was sent to the name has come in before this answer. It is carried out and answered before the rest is refused. */
static void
on_name_released (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GDBusConnection *connection = G_DBUS_CONNECTION (source);
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (connection, result, NULL);
  KvDbusService *self = g_task_get_source_object (task);
  GCancellable *cancellable = g_task_get_cancellable (task);

  if (reply == NULL)
    g_debug ("The bus has not taken the name back");
  kv_dbus_dispatcher_drain_async (self->dispatcher, cancellable, on_drained,
                                  g_steal_pointer (&task));
}

void
kv_dbus_service_stop_async (KvDbusService *self,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  g_return_if_fail (KV_IS_DBUS_SERVICE (self));

  g_task_set_source_tag (task, kv_dbus_service_stop_async);
  self->stopping = TRUE;
  g_cancellable_cancel (self->retry);
  if (self->retry_source != NULL)
    g_source_destroy (self->retry_source);
  g_clear_pointer (&self->retry_source, g_source_unref);
  if (self->closed_handler == 0)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }

  g_clear_signal_handler (&self->closed_handler, self->connection);
  g_dbus_connection_call (self->connection, KV_DBUS_BUS_NAME, KV_DBUS_BUS_PATH,
                          KV_DBUS_BUS_INTERFACE, "ReleaseName", g_variant_new ("(s)", KV_DBUS_NAME),
                          G_VARIANT_TYPE ("(u)"), G_DBUS_CALL_FLAGS_NONE, RELEASE_TIMEOUT_MS,
                          cancellable, on_name_released, g_steal_pointer (&task));
}

gboolean
kv_dbus_service_stop_finish (KvDbusService *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- life --- */

static void
kv_dbus_service_finalize (GObject *object)
{
  KvDbusService *self = KV_DBUS_SERVICE (object);

  detach (self);
  if (self->retry_source != NULL)
    g_source_destroy (self->retry_source);
  g_clear_pointer (&self->retry_source, g_source_unref);
  g_clear_object (&self->retry);
  g_clear_object (&self->store);
  g_clear_pointer (&self->tally, kv_dbus_tally_unref);
  g_clear_pointer (&self->bus, g_free);

  G_OBJECT_CLASS (kv_dbus_service_parent_class)->finalize (object);
}

static void
kv_dbus_service_class_init (KvDbusServiceClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = kv_dbus_service_finalize;
  kv_dbus_error_register ();
}

static void
kv_dbus_service_init (KvDbusService *self)
{
  self->tally = kv_dbus_tally_new ();
  self->retry = g_cancellable_new ();
  self->retry_seconds = FIRST_RETRY_SECONDS;
}

KvDbusService *
kv_dbus_service_new (KvStore *store, KvRateLimiter *limiter, gsize max_value_size)
{
  KvDbusService *self;

  g_return_val_if_fail (KV_IS_STORE (store), NULL);
  g_return_val_if_fail (limiter != NULL, NULL);

  self = g_object_new (KV_TYPE_DBUS_SERVICE, NULL);
  self->store = g_object_ref (store);
  self->limiter = limiter;
  self->max_value_size = max_value_size;

  return self;
}
