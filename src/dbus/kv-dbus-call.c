/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-call.h"

struct _KvDbusCall {
  GDBusConnection *connection; /* (owned) */
  GDBusMessage *message;       /* (owned) */
  GDestroyNotify done;
  gpointer user_data;
};

KvDbusCall *
kv_dbus_call_new (GDBusConnection *connection,
                  GDBusMessage *message,
                  GDestroyNotify done,
                  gpointer user_data)
{
  KvDbusCall *call = g_new (KvDbusCall, 1);

  call->connection = g_object_ref (connection);
  call->message = g_object_ref (message);
  call->done = done;
  call->user_data = user_data;

  return call;
}

const char *
kv_dbus_call_get_sender (const KvDbusCall *call)
{
  const char *sender = g_dbus_message_get_sender (call->message);

  return sender != NULL ? sender : "";
}

const char *
kv_dbus_call_get_path (const KvDbusCall *call)
{
  return g_dbus_message_get_path (call->message);
}

GVariant *
kv_dbus_call_get_parameters (const KvDbusCall *call)
{
  static GVariant *none = NULL;
  GVariant *body = g_dbus_message_get_body (call->message);

  if (body != NULL)
    return body;
  if (g_once_init_enter (&none))
    g_once_init_leave (&none, g_variant_ref_sink (g_variant_new_tuple (NULL, 0)));

  return none;
}

/* @reply: (transfer full). It fails only when the connection is closed, and then nobody is left to be told. */
static void
answer (KvDbusCall *call, GDBusMessage *reply)
{
  g_dbus_connection_send_message (call->connection, reply, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL,
                                  NULL);
  g_object_unref (reply);
  kv_dbus_call_drop (call);
}

static gboolean
wants_answer (const KvDbusCall *call)
{
  return (g_dbus_message_get_flags (call->message) & G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED) == 0;
}

/* As g_dbus_message_new_method_reply() does it, but that the name of the caller is not made anew. */
static GDBusMessage *
reply_new (const KvDbusCall *call)
{
  GDBusMessage *reply = g_dbus_message_new ();

  g_dbus_message_set_message_type (reply, G_DBUS_MESSAGE_TYPE_METHOD_RETURN);
  g_dbus_message_set_flags (reply, G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);
  g_dbus_message_set_byte_order (reply, g_dbus_message_get_byte_order (call->message));
  g_dbus_message_set_reply_serial (reply, g_dbus_message_get_serial (call->message));
  g_dbus_message_set_header (
    reply, G_DBUS_MESSAGE_HEADER_FIELD_DESTINATION,
    g_dbus_message_get_header (call->message, G_DBUS_MESSAGE_HEADER_FIELD_SENDER));

  return reply;
}

void
kv_dbus_call_return (KvDbusCall *call, GVariant *values)
{
  GDBusMessage *reply;

  if (!wants_answer (call))
    {
      if (values != NULL)
        g_variant_unref (g_variant_ref_sink (values));
      kv_dbus_call_drop (call);
      return;
    }
  reply = reply_new (call);
  if (values != NULL)
    g_dbus_message_set_body (reply, values);
  answer (call, reply);
}

void
kv_dbus_call_return_error (KvDbusCall *call, const char *name, const char *text)
{
  if (wants_answer (call))
    answer (call, g_dbus_message_new_method_error_literal (call->message, name, text));
  else
    kv_dbus_call_drop (call);
}

void
kv_dbus_call_drop (KvDbusCall *call)
{
  GDestroyNotify done = call->done;
  gpointer user_data = call->user_data;

  g_object_unref (call->message);
  g_object_unref (call->connection);
  g_free (call);
  done (user_data);
}
