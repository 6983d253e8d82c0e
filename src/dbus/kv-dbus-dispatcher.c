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
 * on_message() runs in the relay's thread. Of a method whose handler touches the store
 * alone, the handler runs right there. Handlers that touch watches and callers run in the main context, called by a
 * source that takes them from a queue.
 *
 * A call that is carried out in the relay's thread must not overtake one of the same caller that still waits in the queue. So
 * while a caller has any there, what it sends joins them. A call counts as waiting until its handler has returned:
 * then the store knows it, and whatever comes later comes behind it there. That is kept for each caller, not for all, so that
 * nobody is slowed down by another's watches. How many wait is bounded for each caller, and the memory that they take for all
 * together: while somebody fills that, others' calls that would have to wait are refused.
 *
 * Answers and the signals of watches all go into the one outbox, and leave in the order in which they were put there.
 *
 * Locks, in their order; none is held while a handler runs in the main context:
 *
 * - the relay holds one for as long as on_message() runs, by which kv_dbus_dispatcher_close() waits for the handler that runs and
 *   lets none begin any more.
 * - lock guards the queue, for a few instructions at a time.
 * - the outbox has its own, within which none of the others is taken.
 *
 * Life: a call may be answered by the store long after the dispatcher was closed. It holds a
 * reference, to find a dispatcher that holds nothing but memory. */

/* What a call is answered whose parameters are not those of the method. */
#define INVALID_ARGS "org.freedesktop.DBus.Error.InvalidArgs"

/* How many calls of one caller may wait for the main context. */
#define MAX_WAITING_CALLS 4096

/* What all calls that wait may come to, in bytes; one that is larger than that waits alone. */
#define MAX_WAITING_BYTES (64 * 1024 * 1024)

/* What a call costs beside what its caller has put into it, roughly: many small ones fill the room too. */
#define CALL_OVERHEAD_BYTES 1024

/* How many calls are carried out in one turn of the main context: others have something to do there as well. */
#define CALLS_A_TURN 32

/* When to look again whether there is room for answers, in microseconds. */
#define HELD_UP_TIME 10000

struct _KvDbusDispatcher {
  gatomicrefcount references;
  KvDbusRelay *relay;    /* (borrowed): until closed */
  KvDbusContext context; /* until closed */
  KvDbusMeter *meter;    /* (owned): of the relay's thread, until closed */
  KvDbusTally *tally;    /* (owned) */

  GMutex lock;
  GQueue queue; /* guarded by lock; (owned) (element-type WaitingCall) */
  GHashTable
    *waiting; /* guarded by lock; (owned) (element-type utf8 guint): calls by caller, none of 0 */
  gsize waiting_bytes; /* guarded by lock */
  gint n_waiting;      /* atomic: all of them; raised by the relay's thread alone */

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
  kv_dbus_tally_unref (self->tally);
  g_source_unref (self->source);
  g_main_context_unref (self->main_context);
  g_mutex_clear (&self->lock);
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
on_call_done (guint method, const char *error_name, gpointer user_data)
{
  KvDbusDispatcher *self = user_data;

  kv_dbus_tally_count_call (self->tally, method, error_name);
  if (g_atomic_int_dec_and_test (&self->n_open) && g_atomic_int_get (&self->draining))
    wake_main (self);
  dispatcher_unref (self);
}

static KvDbusCall *
call_new (KvDbusDispatcher *self, const KvDbusMethod *method, KvDbusMessage *message)
{
  g_atomic_int_inc (&self->n_open);

  return kv_dbus_call_new (kv_dbus_relay_get_outbox (self->relay), message, method->number,
                           method->out_signature, on_call_done, dispatcher_ref (self));
}

/* @parameters: have been checked; @call: (transfer full) */
static void
carry_out (KvDbusDispatcher *self,
           const KvDbusMethod *method,
           KvDbusReader *parameters,
           KvDbusCall *call)
{
  g_autoptr (GError) error = NULL;

  if (!method->handler (&self->context, parameters, call, &error))
    kv_dbus_error_return (call, g_steal_pointer (&error));
}

/* --- the queue --- */

/* Whether a call of @sender has to go through the queue. Nobody but the relay's thread, which asks, puts something there, so
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

/* Puts a call in the queue. @call: (transfer full) when it is %TRUE that is returned. There is less in the queue when the lock is
 * taken again, but never more: only this thread puts something there. */
static gboolean
enqueue (KvDbusDispatcher *self, const KvDbusMethod *method, KvDbusCall *call, GError **error)
{
  const char *sender = kv_dbus_call_get_sender (call);
  gsize size = CALL_OVERHEAD_BYTES + kv_dbus_call_get_size (call);
  WaitingCall *waiting;
  gboolean has_room;
  guint n_calls;

  g_mutex_lock (&self->lock);
  n_calls = GPOINTER_TO_UINT (g_hash_table_lookup (self->waiting, sender));
  has_room = check_room (self, n_calls, size, error);
  g_mutex_unlock (&self->lock);
  if (!has_room)
    return FALSE;

  kv_dbus_call_keep (call);
  waiting = g_new (WaitingCall, 1);
  *waiting = (WaitingCall){ .call = call, .method = method, .size = size };
  g_mutex_lock (&self->lock);
  n_calls = GPOINTER_TO_UINT (g_hash_table_lookup (self->waiting, sender));
  g_queue_push_tail (&self->queue, waiting);
  g_hash_table_insert (self->waiting, g_strdup (sender), GUINT_TO_POINTER (n_calls + 1));
  self->waiting_bytes += size;
  g_atomic_int_inc (&self->n_waiting);
  wake_main (self);
  g_mutex_unlock (&self->lock);

  return TRUE;
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

/* The call has been carried out: its caller may be served in the relay's thread again, if it was the last. */
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
  KvDbusReader parameters;

  if (waiting == NULL)
    return FALSE;
  sender = g_strdup (kv_dbus_call_get_sender (waiting->call));
  kv_dbus_call_init_reader (waiting->call, &parameters);
  carry_out (self, waiting->method, &parameters, waiting->call);
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

/* Nobody tells this context when there is room again: it looks from time to time. A bus that does not read is a rare thing. */
static gboolean
has_room (KvDbusDispatcher *self)
{
  if (kv_dbus_outbox_get_length (kv_dbus_relay_get_outbox (self->relay))
      <= KV_DBUS_MAX_WAITING_BYTES)
    return TRUE;
  g_source_set_ready_time (self->source, g_get_monotonic_time () + HELD_UP_TIME);

  return FALSE;
}

static gboolean
on_ready (gpointer user_data)
{
  KvDbusDispatcher *self = user_data;

  for (guint i = 0; i < CALLS_A_TURN && has_room (self) && carry_out_next (self); i++)
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

/* --- the relay's thread --- */

/* As GDBus words it. */
static void
return_wrong_type (KvDbusCall *call, const KvDbusMethod *method)
{
  g_autofree char *text =
    g_strdup_printf ("Type of message, “(%s)”, does not match expected type “(%s)”",
                     kv_dbus_call_get_signature (call), method->in_signature);

  kv_dbus_call_return_error (call, INVALID_ARGS, text);
}

/* GDBus would close the connection. But where the message ends is known, and what one caller has put into it need not be
 * everybody's loss. A bus lets no such message through. */
static void
return_malformed (KvDbusCall *call)
{
  kv_dbus_call_return_error (call, INVALID_ARGS, "The body of the message is malformed");
}

/* Whether the caller may make a call of @cost now. */
static gboolean
admit (KvDbusDispatcher *self,
       const KvDbusMethod *method,
       const char *sender,
       guint cost,
       GError **error)
{
  if (g_atomic_int_get (&self->draining))
    {
      g_set_error_literal (error, KV_ERROR, KV_ERROR_UNAVAILABLE, "The service is stopping");
      return FALSE;
    }

  return !method->is_charged || kv_dbus_meter_admit (self->meter, sender, cost, error);
}

/* What a call needs of its descriptors is taken out of the message; the rest is closed with that. So what waits in the queue
 * holds none but those that are counted. */
static gboolean
take_handle (KvDbusDispatcher *self,
             const KvDbusMethod *method,
             KvDbusMessage *message,
             KvDbusReader parameters,
             KvDbusCall *call,
             GError **error)
{
  KvDbusHandle *handle;

  if (!method->takes_descriptor)
    return TRUE;
  handle = kv_dbus_handles_take (self->context.handles, message,
                                 kv_dbus_reader_take_uint32 (&parameters), error);
  if (handle == NULL)
    return FALSE;
  kv_dbus_call_set_handle (call, handle);

  return TRUE;
}

static void
take (KvDbusDispatcher *self, const KvDbusMethod *method, KvDbusMessage *message, KvDbusCall *call)
{
  const char *sender = kv_dbus_call_get_sender (call);
  const char *signature = kv_dbus_call_get_signature (call);
  g_autoptr (GError) error = NULL;
  KvDbusReader parameters;
  gboolean fits = strcmp (signature, method->in_signature) == 0;
  gboolean is_sound;
  guint cost;

  /* What does not fit is not looked at: everybody else would wait for that. */
  kv_dbus_call_init_reader (call, &parameters);
  is_sound = fits && kv_dbus_reader_check (&parameters, signature);
  cost = is_sound ? kv_dbus_methods_get_cost (method, &parameters) : 1;
  if (!admit (self, method, sender, cost, &error))
    kv_dbus_error_return (call, g_steal_pointer (&error));
  else if (!fits)
    return_wrong_type (call, method);
  else if (!is_sound)
    return_malformed (call);
  else if (!take_handle (self, method, message, parameters, call, &error))
    kv_dbus_error_return (call, g_steal_pointer (&error));
  else if (!method->in_main && !has_waiting (self, sender))
    carry_out (self, method, &parameters, call);
  else if (!enqueue (self, method, call, &error))
    kv_dbus_error_return (call, g_steal_pointer (&error));
}

/* A KvDbusRelayFunc. */
static gboolean
on_message (KvDbusMessage *message, gpointer user_data)
{
  KvDbusDispatcher *self = user_data;
  const KvDbusMethod *method = kv_dbus_methods_find (&message->head);

  if (method == NULL)
    return FALSE;
  take (self, method, message, call_new (self, method, message));

  return TRUE;
}

/* --- life --- */

KvDbusDispatcher *
kv_dbus_dispatcher_new (KvDbusLink *link,
                        KvStore *store,
                        KvRateLimiter *limiter,
                        gsize max_value_size,
                        KvDbusTally *tally)
{
  KvDbusDispatcher *self = g_new0 (KvDbusDispatcher, 1);

  g_atomic_ref_count_init (&self->references);
  self->relay = kv_dbus_link_get_relay (link);
  self->context = (KvDbusContext){
    .store = g_object_ref (store),
    .limiter = limiter,
    .max_value_size = max_value_size,
    .handles = kv_dbus_handles_new (),
    .callers = kv_dbus_callers_new (store, kv_dbus_relay_get_outbox (self->relay),
                                    kv_dbus_link_get_connection (link), tally),
  };
  self->tally = kv_dbus_tally_ref (tally);
  self->meter = kv_dbus_meter_new (limiter);
  g_mutex_init (&self->lock);
  g_queue_init (&self->queue);
  self->waiting = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->main_context = g_main_context_ref_thread_default ();
  self->source = g_source_new (&source_funcs, sizeof (GSource));
  g_source_set_static_name (self->source, "kv-dbus-dispatcher");
  g_source_set_callback (self->source, on_ready, self, NULL);
  g_source_attach (self->source, self->main_context);
  kv_dbus_relay_set_func (self->relay, on_message, self);

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

  kv_dbus_relay_set_func (self->relay, NULL, NULL);
  g_clear_pointer (&self->meter, kv_dbus_meter_free);

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
  g_clear_pointer (&self->context.handles, kv_dbus_handles_unref);
  g_clear_object (&self->context.store);
  self->relay = NULL;
  dispatcher_unref (self);
}
