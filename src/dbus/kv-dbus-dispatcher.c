/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-dispatcher.h"

#include "core/kv-error.h"
#include "dbus/kv-dbus-error.h"
#include "dbus/kv-dbus-meter.h"
#include "dbus/kv-dbus-methods.h"

#include <string.h>

/* Threads.
 *
 * on_message() runs in the one worker thread that GDBus has for all connections. Of a method whose handler touches the store
 * alone, the handler runs right there. Handlers that touch watches and callers run in the main context, called by a
 * source that takes them from a queue.
 *
 * A call that is carried out in the worker thread must not overtake one of the same caller that still waits in the queue. So
 * while a caller has any there, what it sends joins them. A call counts as waiting until its handler has returned:
 * then the store knows it, and whatever comes later comes behind it there. That is kept for each caller, not for all, so that
 * nobody is slowed down by another's watches, nor refused because somebody else has many calls there. Only the memory
 * that they take is bounded for all together.
 *
 * Locks, in their order; neither is held while a handler runs in the main context:
 *
 * - running is held by the worker thread for as long as it has to do with one call, and by nobody else but
 *   kv_dbus_dispatcher_close(), which by that waits for the handler that runs and lets none begin any more.
 * - lock guards the queue, for a few instructions at a time.
 *
 * Life: the filter may still run after it has been removed, and a call may be answered by the store long after. Both hold a
 * reference, to find a dispatcher that is closed and holds nothing but memory. */

/* How many calls of one caller may wait for the main context. */
#define MAX_WAITING_CALLS 4096

/* What all calls that wait may come to, in bytes; one that is larger than that waits alone. */
#define MAX_WAITING_BYTES (64 * 1024 * 1024)

/* What a call costs beside what its caller has put into it, roughly: many small ones fill the room too. */
#define CALL_OVERHEAD_BYTES 1024

/* How many calls are carried out in one turn of the main context: others have something to do there as well. */
#define CALLS_A_TURN 32

struct _KvDbusDispatcher {
  gatomicrefcount references;
  GDBusConnection *connection; /* (owned) (nullable): until closed */
  guint filter;
  KvDbusContext context; /* until closed */

  GMutex running;
  gboolean closed;    /* guarded by running */
  KvDbusMeter *meter; /* (owned): used with running held */

  GMutex lock;
  GQueue queue; /* guarded by lock; (owned) (element-type WaitingCall) */
  GHashTable
    *waiting; /* guarded by lock; (owned) (element-type utf8 guint): calls by caller, none of 0 */
  gsize waiting_bytes; /* guarded by lock */
  gint n_waiting;      /* atomic: all of them; raised by the worker thread alone */

  gint n_open;                /* atomic: calls that are not answered yet */
  gint draining;              /* atomic: gboolean */
  GTask *drain;               /* (owned) (nullable): main context only */
  GSource *drain_cancelled;   /* (owned) (nullable): main context only */
  GMainContext *main_context; /* (owned) */
  GSource *source;            /* (owned): of the main context; woken by its ready time */
};

typedef struct {
  KvDbusCall *call; /* (owned) */
  const KvDbusMethod *method;
  gsize size;
} WaitingCall;

static KvDbusDispatcher *
dispatcher_ref (KvDbusDispatcher *self)
{
  g_atomic_ref_count_inc (&self->references);

  return self;
}

static void
dispatcher_unref (KvDbusDispatcher *self)
{
  if (!g_atomic_ref_count_dec (&self->references))
    return;

  g_hash_table_unref (self->waiting);
  g_source_unref (self->source);
  g_main_context_unref (self->main_context);
  g_mutex_clear (&self->lock);
  g_mutex_clear (&self->running);
  g_free (self);
}

static void
wake_main (KvDbusDispatcher *self)
{
  g_source_set_ready_time (self->source, 0);
}

/* --- calls --- */

/* Either this finds that somebody waits for the last call, or whoever begins to wait finds that it was the last. */
static void
on_call_done (gpointer user_data)
{
  KvDbusDispatcher *self = user_data;

  if (g_atomic_int_dec_and_test (&self->n_open) && g_atomic_int_get (&self->draining))
    wake_main (self);
  dispatcher_unref (self);
}

static KvDbusCall *
call_new (KvDbusDispatcher *self, GDBusMessage *message)
{
  g_atomic_int_inc (&self->n_open);

  return kv_dbus_call_new (self->connection, message, on_call_done, dispatcher_ref (self));
}

/* @call: (transfer full) */
static void
carry_out (KvDbusDispatcher *self, const KvDbusMethod *method, KvDbusCall *call)
{
  g_autoptr (GError) error = NULL;

  if (!method->handler (&self->context, kv_dbus_call_get_parameters (call), call, &error))
    kv_dbus_error_return (call, g_steal_pointer (&error));
}

/* --- the queue --- */

/* Whether a call of @sender has to go through the queue. Nobody but the worker thread, which asks, puts something there, so
 * that a queue that is empty stays so. */
static gboolean
has_waiting (KvDbusDispatcher *self, const char *sender)
{
  gboolean waiting;

  if (g_atomic_int_get (&self->n_waiting) == 0)
    return FALSE;

  g_mutex_lock (&self->lock);
  waiting = g_hash_table_contains (self->waiting, sender);
  g_mutex_unlock (&self->lock);

  return waiting;
}

/* With the lock held. */
static gboolean
check_room (KvDbusDispatcher *self, guint n_calls, gsize size, GError **error)
{
  if (n_calls < MAX_WAITING_CALLS
      && (self->queue.length == 0
          || size <= MAX_WAITING_BYTES - MIN (self->waiting_bytes, MAX_WAITING_BYTES)))
    return TRUE;
  g_set_error_literal (error, KV_ERROR, KV_ERROR_LIMIT_EXCEEDED,
                       "Too many calls wait behind a Watch or a Close: wait for their answers");

  return FALSE;
}

static gsize
measure (const KvDbusCall *call)
{
  return CALL_OVERHEAD_BYTES + strlen (kv_dbus_call_get_path (call))
         + g_variant_get_size (kv_dbus_call_get_parameters (call));
}

/* Puts a call in the queue. @call: (transfer full) when it is %TRUE that is returned. */
static gboolean
enqueue (KvDbusDispatcher *self, const KvDbusMethod *method, KvDbusCall *call, GError **error)
{
  const char *sender = kv_dbus_call_get_sender (call);
  gsize size = measure (call);
  gboolean has_room;
  guint n_calls;

  g_mutex_lock (&self->lock);
  n_calls = GPOINTER_TO_UINT (g_hash_table_lookup (self->waiting, sender));
  has_room = check_room (self, n_calls, size, error);
  if (has_room)
    {
      WaitingCall *waiting = g_new (WaitingCall, 1);

      *waiting = (WaitingCall){ .call = call, .method = method, .size = size };
      g_queue_push_tail (&self->queue, waiting);
      g_hash_table_insert (self->waiting, g_strdup (sender), GUINT_TO_POINTER (n_calls + 1));
      self->waiting_bytes += size;
      g_atomic_int_inc (&self->n_waiting);
      wake_main (self);
    }
  g_mutex_unlock (&self->lock);

  return has_room;
}

static WaitingCall *
dequeue (KvDbusDispatcher *self)
{
  WaitingCall *waiting;

  g_mutex_lock (&self->lock);
  waiting = g_queue_pop_head (&self->queue);
  if (waiting == NULL)
    g_source_set_ready_time (self->source, -1);
  g_mutex_unlock (&self->lock);

  return waiting;
}

/* The call has been carried out: its caller may be served in the worker thread again, if it was the last. */
static void
leave_queue (KvDbusDispatcher *self, const char *sender, gsize size)
{
  guint n_calls;

  g_mutex_lock (&self->lock);
  n_calls = GPOINTER_TO_UINT (g_hash_table_lookup (self->waiting, sender));
  if (n_calls > 1)
    g_hash_table_insert (self->waiting, g_strdup (sender), GUINT_TO_POINTER (n_calls - 1));
  else
    g_hash_table_remove (self->waiting, sender);
  self->waiting_bytes -= size;
  g_atomic_int_add (&self->n_waiting, -1);
  g_mutex_unlock (&self->lock);
}

static gboolean
carry_out_next (KvDbusDispatcher *self)
{
  g_autofree WaitingCall *waiting = dequeue (self);
  g_autofree char *sender = NULL;

  if (waiting == NULL)
    return FALSE;
  sender = g_strdup (kv_dbus_call_get_sender (waiting->call));
  carry_out (self, waiting->method, waiting->call);
  leave_queue (self, sender, waiting->size);

  return TRUE;
}

static void
forget_drain_cancelled (KvDbusDispatcher *self)
{
  if (self->drain_cancelled != NULL)
    g_source_destroy (self->drain_cancelled);
  g_clear_pointer (&self->drain_cancelled, g_source_unref);
}

/* Who has waited may be told at once, and may close the dispatcher then. */
static void
end_drain (KvDbusDispatcher *self)
{
  g_autoptr (GTask) drain = g_steal_pointer (&self->drain);

  forget_drain_cancelled (self);
  g_task_return_boolean (drain, TRUE);
}

static void
end_drain_when_empty (KvDbusDispatcher *self)
{
  if (self->drain != NULL && g_atomic_int_get (&self->n_open) == 0)
    end_drain (self);
}

/* A task that has been cancelled returns that, whatever it is told. */
static gboolean
on_drain_cancelled (GCancellable *cancellable, gpointer user_data)
{
  end_drain (user_data);

  return G_SOURCE_REMOVE;
}

static gboolean
on_ready (gpointer user_data)
{
  KvDbusDispatcher *self = user_data;

  for (guint i = 0; i < CALLS_A_TURN && carry_out_next (self); i++)
    ;
  end_drain_when_empty (self);

  return G_SOURCE_CONTINUE;
}

/* It is ready when its time has come, which GLib looks after. */
static gboolean
source_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static GSourceFuncs source_funcs = { .dispatch = source_dispatch };

/* --- the worker thread --- */

/* As GDBus words it. */
static void
return_wrong_type (KvDbusCall *call, const KvDbusMethod *method)
{
  g_autofree char *text = g_strdup_printf (
    "Type of message, “%s”, does not match expected type “%s”",
    g_variant_get_type_string (kv_dbus_call_get_parameters (call)), method->in_type);

  kv_dbus_call_return_error (call, "org.freedesktop.DBus.Error.InvalidArgs", text);
}

/* Whether the caller may make the call now. */
static gboolean
admit (KvDbusDispatcher *self,
       const KvDbusMethod *method,
       const char *sender,
       GVariant *parameters,
       GError **error)
{
  if (g_atomic_int_get (&self->draining))
    {
      g_set_error_literal (error, KV_ERROR, KV_ERROR_UNAVAILABLE, "The service is stopping");
      return FALSE;
    }

  return !method->is_charged
         || kv_dbus_meter_admit (self->meter, sender, kv_dbus_methods_get_cost (method, parameters),
                                 error);
}

/* With running held. */
static void
take (KvDbusDispatcher *self, const KvDbusMethod *method, GDBusMessage *message)
{
  KvDbusCall *call = call_new (self, message);
  const char *sender = kv_dbus_call_get_sender (call);
  GVariant *parameters = kv_dbus_call_get_parameters (call);
  g_autoptr (GError) error = NULL;

  if (!admit (self, method, sender, parameters, &error))
    kv_dbus_error_return (call, g_steal_pointer (&error));
  else if (strcmp (g_variant_get_type_string (parameters), method->in_type) != 0)
    return_wrong_type (call, method);
  else if (!method->in_main && !has_waiting (self, sender))
    carry_out (self, method, call);
  else if (!enqueue (self, method, call, &error))
    kv_dbus_error_return (call, g_steal_pointer (&error));
}

/* A GDBusMessageFilterFunction, for whatever comes in and goes out. */
static GDBusMessage *
on_message (GDBusConnection *connection,
            GDBusMessage *message,
            gboolean incoming,
            gpointer user_data)
{
  KvDbusDispatcher *self = user_data;
  const KvDbusMethod *method = incoming ? kv_dbus_methods_find (message) : NULL;
  gboolean taken;

  if (method == NULL)
    return message;

  g_mutex_lock (&self->running);
  taken = !self->closed;
  if (taken)
    take (self, method, message);
  g_mutex_unlock (&self->running);
  if (!taken)
    return message;
  g_object_unref (message);

  return NULL;
}

/* --- life --- */

KvDbusDispatcher *
kv_dbus_dispatcher_new (GDBusConnection *connection,
                        KvStore *store,
                        KvRateLimiter *limiter,
                        gsize max_value_size)
{
  KvDbusDispatcher *self = g_new0 (KvDbusDispatcher, 1);

  g_atomic_ref_count_init (&self->references);
  self->connection = g_object_ref (connection);
  self->context = (KvDbusContext){
    .store = g_object_ref (store),
    .max_value_size = max_value_size,
    .callers = kv_dbus_callers_new (store, connection),
  };
  g_mutex_init (&self->running);
  self->meter = kv_dbus_meter_new (limiter);
  g_mutex_init (&self->lock);
  g_queue_init (&self->queue);
  self->waiting = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->main_context = g_main_context_ref_thread_default ();
  self->source = g_source_new (&source_funcs, sizeof (GSource));
  g_source_set_static_name (self->source, "kv-dbus-dispatcher");
  g_source_set_callback (self->source, on_ready, self, NULL);
  g_source_attach (self->source, self->main_context);
  self->filter = g_dbus_connection_add_filter (connection, on_message, dispatcher_ref (self),
                                               (GDestroyNotify) dispatcher_unref);

  return self;
}

void
kv_dbus_dispatcher_drain_async (KvDbusDispatcher *self,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_return_if_fail (self->drain == NULL);

  self->drain = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (self->drain, kv_dbus_dispatcher_drain_async);
  if (cancellable != NULL)
    {
      self->drain_cancelled = g_cancellable_source_new (cancellable);
      g_source_set_static_name (self->drain_cancelled, "kv-dbus-drain");
      g_source_set_callback (self->drain_cancelled, G_SOURCE_FUNC (on_drain_cancelled), self, NULL);
      g_source_attach (self->drain_cancelled, self->main_context);
    }
  g_atomic_int_set (&self->draining, TRUE);
  end_drain_when_empty (self);
}

gboolean
kv_dbus_dispatcher_drain_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

void
kv_dbus_dispatcher_close (KvDbusDispatcher *self)
{
  WaitingCall *waiting;

  g_mutex_lock (&self->running);
  self->closed = TRUE;
  g_clear_pointer (&self->meter, kv_dbus_meter_free);
  g_mutex_unlock (&self->running);
  g_dbus_connection_remove_filter (self->connection, self->filter);

  g_source_destroy (self->source);
  while ((waiting = dequeue (self)) != NULL)
    {
      kv_dbus_call_drop (waiting->call);
      g_free (waiting);
    }
  forget_drain_cancelled (self);
  if (self->drain != NULL)
    g_task_return_new_error (self->drain, G_IO_ERROR, G_IO_ERROR_CANCELLED, "Closed");
  g_clear_object (&self->drain);
  g_clear_pointer (&self->context.callers, kv_dbus_callers_free);
  g_clear_object (&self->context.store);
  g_clear_object (&self->connection);
  dispatcher_unref (self);
}
