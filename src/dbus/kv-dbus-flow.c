/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-flow.h"

/* How much may be on its way to a receiver, in bytes. */
#define WINDOW_BYTES (1024 * 1024)

/* What a message costs the bus beside its bytes, roughly: many small ones fill the window too. */
#define MESSAGE_OVERHEAD_BYTES 512

struct _KvDbusFlow {
  KvDbusOutbox *outbox;        /* (owned) */
  GDBusConnection *connection; /* (owned) */
  char *receiver;              /* (owned) */
  KvDbusFlowFunc func;
  gpointer user_data;
  gsize unanswered;
  GCancellable *ping; /* (owned) (nullable): of the ping that is on its way */
};

KvDbusFlow *
kv_dbus_flow_new (KvDbusOutbox *outbox,
                  GDBusConnection *connection,
                  const char *receiver,
                  KvDbusFlowFunc func,
                  gpointer user_data)
{
  KvDbusFlow *flow = g_new0 (KvDbusFlow, 1);

  flow->outbox = kv_dbus_outbox_ref (outbox);
  flow->connection = g_object_ref (connection);
  flow->receiver = g_strdup (receiver);
  flow->func = func;
  flow->user_data = user_data;

  return flow;
}

gboolean
kv_dbus_flow_is_open (const KvDbusFlow *flow)
{
  return flow->ping == NULL;
}

/* An error is an answer as well: it took the same way. But none at all may be told as an error by the bus. */
static gboolean
is_answer (const GError *error)
{
  return !g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY)
         && !g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_TIMEOUT)
         && !g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_TIMED_OUT);
}

static void ping (KvDbusFlow *flow);

static void
on_pong (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply =
    g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  KvDbusFlow *flow = user_data;

  /* Cancelled when the flow is freed: then there is nothing left to touch. With the connection gone, the flow is soon. */
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED))
    return;

  g_clear_object (&flow->ping);
  if (reply == NULL && !is_answer (error))
    {
      ping (flow);
      return;
    }
  flow->unanswered = 0;
  flow->func (flow->user_data);
}

static void
ping (KvDbusFlow *flow)
{
  flow->ping = g_cancellable_new ();
  g_dbus_connection_call (flow->connection, flow->receiver, "/", "org.freedesktop.DBus.Peer",
                          "Ping", NULL, NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, G_MAXINT, flow->ping,
                          on_pong, flow);
}

void
kv_dbus_flow_send (KvDbusFlow *flow, const guint8 *signal, gsize length)
{
  flow->unanswered += length + MESSAGE_OVERHEAD_BYTES;
  kv_dbus_outbox_put (flow->outbox, signal, length, NULL, 0);
  if (flow->unanswered >= WINDOW_BYTES && flow->ping == NULL)
    ping (flow);
}

void
kv_dbus_flow_free (KvDbusFlow *flow)
{
  if (flow->ping != NULL)
    g_cancellable_cancel (flow->ping);
  g_clear_object (&flow->ping);
  g_clear_pointer (&flow->outbox, kv_dbus_outbox_unref);
  g_clear_object (&flow->connection);
  g_free (flow->receiver);
  g_free (flow);
}
