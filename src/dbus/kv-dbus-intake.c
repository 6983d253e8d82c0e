/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-intake.h"

#include "dbus/kv-dbus-descriptors.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* What is read at a time, in bytes: many calls share one read. */
#define READ_BYTES (64 * 1024)

/* How many descriptors may wait for their message: those of one that is on its way, and of one behind it. */
#define MAX_WAITING_DESCRIPTORS (2 * KV_DBUS_MAX_DESCRIPTORS)

static int *
get_descriptors (KvDbusIntake *intake)
{
  return intake->descriptors != NULL ? (int *) (void *) intake->descriptors->data : NULL;
}

static guint
count_descriptors (const KvDbusIntake *intake)
{
  return intake->descriptors != NULL ? intake->descriptors->len : 0;
}

/* --- reading --- */

/* Room for what is missing of the message that is on its way, but no more than there is of it already: who claims that it is
 * large has to send it first. */
static gsize
choose_room (const KvDbusIntake *intake)
{
  gsize length = kv_dbus_buffer_get_length (&intake->bytes);
  gsize whole;

  if (length < KV_DBUS_FIXED_HEAD_BYTES)
    return READ_BYTES;
  whole = kv_dbus_head_measure (intake->bytes.data + intake->bytes.start);
  if (whole < length + READ_BYTES)
    return READ_BYTES;

  return MIN (whole - length, MAX (length, READ_BYTES));
}

static void
keep_descriptors (KvDbusIntake *intake, const struct cmsghdr *control)
{
  guint n = (guint) ((control->cmsg_len - CMSG_LEN (0)) / sizeof (int));

  if (intake->descriptors == NULL)
    intake->descriptors = g_array_new (FALSE, FALSE, sizeof (int));
  g_array_append_vals (intake->descriptors, CMSG_DATA (control), n);
}

/* Whether all that was sent has come in: descriptors that were cut off are lost. */
static gboolean
take_control (KvDbusIntake *intake, struct msghdr *message)
{
  for (struct cmsghdr *control = CMSG_FIRSTHDR (message); control != NULL;
       control = CMSG_NXTHDR (message, control))
    {
      if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS)
        keep_descriptors (intake, control);
    }

  return (message->msg_flags & MSG_CTRUNC) == 0
         && count_descriptors (intake) <= MAX_WAITING_DESCRIPTORS;
}

KvDbusIntakeResult
kv_dbus_intake_receive (KvDbusIntake *intake, int socket)
{
  union {
    struct cmsghdr head;
    char room[CMSG_SPACE (sizeof (int) * KV_DBUS_MAX_DESCRIPTORS)];
  } control;
  struct iovec piece;
  struct msghdr message = {
    .msg_iov = &piece,
    .msg_iovlen = 1,
    .msg_control = &control,
    .msg_controllen = sizeof control,
  };
  gssize received;

  kv_dbus_buffer_grow (&intake->bytes, choose_room (intake));
  piece.iov_base = intake->bytes.data + intake->bytes.end;
  piece.iov_len = intake->bytes.capacity - intake->bytes.end;
  received = recvmsg (socket, &message, MSG_CMSG_CLOEXEC);
  if (received < 0)
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? KV_DBUS_INTAKE_NOTHING
                                                                     : KV_DBUS_INTAKE_END;
  if (!take_control (intake, &message) || received == 0)
    return KV_DBUS_INTAKE_END;
  intake->bytes.end += (gsize) received;

  return KV_DBUS_INTAKE_MORE;
}

/* --- messages --- */

KvDbusIntakeNext
kv_dbus_intake_peek (KvDbusIntake *intake, KvDbusMessage *message)
{
  gsize length = kv_dbus_buffer_get_length (&intake->bytes);
  const guint8 *bytes = intake->bytes.data + intake->bytes.start;
  gsize whole;

  if (length < KV_DBUS_FIXED_HEAD_BYTES)
    return KV_DBUS_INTAKE_PART;
  whole = kv_dbus_head_measure (bytes);
  if (whole == 0)
    return KV_DBUS_INTAKE_MALFORMED;
  if (length < whole)
    return KV_DBUS_INTAKE_PART;
  if (!kv_dbus_head_parse (&message->head, bytes, whole)
      || message->head.n_descriptors > count_descriptors (intake))
    return KV_DBUS_INTAKE_MALFORMED;

  message->bytes = bytes;
  message->length = whole;
  message->n_descriptors = message->head.n_descriptors;
  message->descriptors = message->n_descriptors > 0 ? get_descriptors (intake) : NULL;

  return KV_DBUS_INTAKE_WHOLE;
}

void
kv_dbus_intake_drop (KvDbusIntake *intake, KvDbusMessage *message)
{
  if (message->descriptors != NULL)
    kv_dbus_descriptors_close (message->descriptors, message->n_descriptors);
  if (message->n_descriptors > 0)
    g_array_remove_range (intake->descriptors, 0, message->n_descriptors);
  kv_dbus_buffer_consume (&intake->bytes, message->length);
}

void
kv_dbus_intake_clear (KvDbusIntake *intake)
{
  kv_dbus_descriptors_close (get_descriptors (intake), count_descriptors (intake));
  g_clear_pointer (&intake->descriptors, g_array_unref);
  kv_dbus_buffer_clear (&intake->bytes);
}
