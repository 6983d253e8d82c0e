/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-cargo.h"

#include "dbus/kv-dbus-descriptors.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

typedef struct {
  guint64 at; /* the first byte of the message, counted as n_sent is */
  guint length;
  int descriptors[]; /* (owned) */
} Parcel;

static void
parcel_free (Parcel *parcel)
{
  kv_dbus_descriptors_close (parcel->descriptors, parcel->length);
  g_free (parcel);
}

void
kv_dbus_cargo_add (KvDbusCargo *cargo,
                   const void *data,
                   gsize length,
                   const int *descriptors,
                   guint n_descriptors)
{
  if (n_descriptors > 0)
    {
      Parcel *parcel = g_malloc (sizeof (Parcel) + n_descriptors * sizeof (int));

      parcel->at = cargo->n_sent + kv_dbus_cargo_get_length (cargo);
      parcel->length = n_descriptors;
      memcpy (parcel->descriptors, descriptors, n_descriptors * sizeof (int));
      if (cargo->parcels == NULL)
        cargo->parcels = g_queue_new ();
      g_queue_push_tail (cargo->parcels, parcel);
    }
  kv_dbus_buffer_append (&cargo->bytes, data, length);
}

static gssize
send_piece (int socket, const void *data, gsize length, const Parcel *parcel)
{
  union {
    struct cmsghdr head;
    char room[CMSG_SPACE (sizeof (int) * KV_DBUS_MAX_DESCRIPTORS)];
  } control;
  struct iovec piece = { (void *) data, length };
  struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };

  if (parcel == NULL)
    return send (socket, data, length, MSG_NOSIGNAL);

  memset (&control, 0, sizeof control);
  control.head.cmsg_level = SOL_SOCKET;
  control.head.cmsg_type = SCM_RIGHTS;
  control.head.cmsg_len = CMSG_LEN (sizeof (int) * parcel->length);
  memcpy (CMSG_DATA (&control.head), parcel->descriptors, sizeof (int) * parcel->length);
  message.msg_control = &control;
  message.msg_controllen = CMSG_SPACE (sizeof (int) * parcel->length);

  return sendmsg (socket, &message, MSG_NOSIGNAL);
}

static Parcel *
peek_parcel (const KvDbusCargo *cargo)
{
  return cargo->parcels != NULL ? g_queue_peek_head (cargo->parcels) : NULL;
}

gboolean
kv_dbus_cargo_send (KvDbusCargo *cargo, int socket)
{
  while (kv_dbus_cargo_get_length (cargo) > 0)
    {
      Parcel *parcel = peek_parcel (cargo);
      gsize length = kv_dbus_cargo_get_length (cargo);
      gssize sent;

      if (parcel != NULL && parcel->at > cargo->n_sent)
        {
          length = (gsize) MIN (length, parcel->at - cargo->n_sent);
          parcel = NULL;
        }
      sent = send_piece (socket, cargo->bytes.data + cargo->bytes.start, length, parcel);
      if (sent < 0 && errno == EINTR)
        continue;
      if (sent < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK;
      if (parcel != NULL)
        parcel_free (g_queue_pop_head (cargo->parcels));
      kv_dbus_buffer_consume (&cargo->bytes, (gsize) sent);
      cargo->n_sent += (guint64) sent;
    }

  return TRUE;
}

void
kv_dbus_cargo_clear (KvDbusCargo *cargo)
{
  kv_dbus_buffer_clear (&cargo->bytes);
  if (cargo->parcels != NULL)
    g_queue_free_full (cargo->parcels, (GDestroyNotify) parcel_free);
  cargo->parcels = NULL;
}
