/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-call.h"

#include <string.h>

struct _KvDbusCall {
  KvDbusOutbox *outbox;      /* (owned) */
  const char *out_signature; /* static */
  KvDbusCallDoneFunc done;
  gpointer user_data;
  KvDbusHead head; /* of the message, or of the copy */
  guint method;
  const guint8 *message;
  gsize size;
  guint8 *copy;         /* (owned) (nullable) */
  KvDbusHandle *handle; /* (owned) (nullable) */
  char sender[];        /* an answer may come when the message is long gone */
};

KvDbusCall *
kv_dbus_call_new (KvDbusOutbox *outbox,
                  const KvDbusMessage *message,
                  guint method,
                  const char *out_signature,
                  KvDbusCallDoneFunc done,
                  gpointer user_data)
{
  const char *sender = message->head.sender != NULL ? message->head.sender : "";
  gsize sender_size = strlen (sender) + 1;
  KvDbusCall *call = g_malloc (sizeof (KvDbusCall) + sender_size);

  call->outbox = kv_dbus_outbox_ref (outbox);
  call->out_signature = out_signature;
  call->method = method;
  call->done = done;
  call->user_data = user_data;
  call->head = message->head;
  call->message = message->bytes;
  call->size = message->length;
  call->copy = NULL;
  call->handle = NULL;
  memcpy (call->sender, sender, sender_size);

  return call;
}

void
kv_dbus_call_keep (KvDbusCall *call)
{
  g_return_if_fail (call->copy == NULL);

  call->copy = g_memdup2 (call->message, call->size);
  call->message = call->copy;
  /* It has been parsed before, and what it holds is the same. */
  kv_dbus_head_parse (&call->head, call->copy, call->size);
}

void
kv_dbus_call_forget (KvDbusCall *call)
{
  const KvDbusHead head = { .flags = call->head.flags, .serial = call->head.serial };

  call->head = head;
  call->message = NULL;
  call->size = 0;
  g_clear_pointer (&call->copy, g_free);
}

void
kv_dbus_call_set_handle (KvDbusCall *call, KvDbusHandle *handle)
{
  call->handle = handle;
}

KvDbusHandle *
kv_dbus_call_take_handle (KvDbusCall *call)
{
  return g_steal_pointer (&call->handle);
}

gsize
kv_dbus_call_get_size (const KvDbusCall *call)
{
  return call->size;
}

const char *
kv_dbus_call_get_sender (const KvDbusCall *call)
{
  return call->sender;
}

const char *
kv_dbus_call_get_path (const KvDbusCall *call)
{
  return call->head.path;
}

const char *
kv_dbus_call_get_signature (const KvDbusCall *call)
{
  return call->head.signature;
}

void
kv_dbus_call_init_reader (const KvDbusCall *call, KvDbusReader *reader)
{
  kv_dbus_head_init_reader (&call->head, reader);
}

/* @reply: type, and what belongs to the type */
static void
answer (KvDbusCall *call, KvDbusHead *reply, KvDbusWriteFunc write, gconstpointer data)
{
  KvDbusBuffer *buffer;
  KvDbusWriter writer;

  if ((call->head.flags & KV_DBUS_FLAG_NO_REPLY_EXPECTED) != 0)
    return;
  buffer = kv_dbus_outbox_begin (call->outbox, &reply->serial);
  if (buffer == NULL)
    return;
  reply->flags = KV_DBUS_FLAG_NO_REPLY_EXPECTED;
  reply->reply_serial = call->head.serial;
  reply->destination = call->sender[0] != '\0' ? call->sender : NULL;
  kv_dbus_writer_begin (&writer, buffer, reply);
  if (write != NULL)
    write (&writer, data);
  kv_dbus_writer_end (&writer);
  kv_dbus_outbox_end (call->outbox);
}

static void
end (KvDbusCall *call, const char *error_name)
{
  KvDbusCallDoneFunc done = call->done;
  guint method = call->method;
  gpointer user_data = call->user_data;

  kv_dbus_outbox_unref (call->outbox);
  g_clear_pointer (&call->handle, kv_dbus_handle_close);
  g_free (call->copy);
  g_free (call);
  done (method, error_name, user_data);
}

void
kv_dbus_call_return (KvDbusCall *call, KvDbusWriteFunc write, gconstpointer data)
{
  KvDbusHead reply = {
    .type = KV_DBUS_TYPE_METHOD_RETURN,
    .signature = call->out_signature,
  };

  answer (call, &reply, write, data);
  end (call, NULL);
}

static void
write_text (KvDbusWriter *writer, gconstpointer data)
{
  const char *text = data;

  kv_dbus_writer_put_string (writer, text, strlen (text));
}

void
kv_dbus_call_return_error (KvDbusCall *call, const char *name, const char *text)
{
  KvDbusHead reply = { .type = KV_DBUS_TYPE_ERROR, .error_name = name, .signature = "s" };
  g_autofree char *repaired = NULL;

  /* Some texts come from elsewhere, and a bus leaves whoever sends it what is no text. */
  if (!g_utf8_validate (text, -1, NULL))
    repaired = g_utf8_make_valid (text, -1);
  answer (call, &reply, write_text, repaired != NULL ? repaired : text);
  end (call, name);
}

void
kv_dbus_call_drop (KvDbusCall *call)
{
  end (call, KV_DBUS_CALL_DROPPED);
}
