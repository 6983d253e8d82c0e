/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

G_BEGIN_DECLS

/* recv(2), send(2) and sendmsg(2) are points where a thread may be cancelled (pthreads(7)): in a program of several threads
 * the C library pays two atomic operations for that at each call, more than a look-up of a key costs. Nobody cancels
 * threads here. A sanitizer has to see the calls. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define KV_HTTP_DIRECT_CALLS 0
#elif defined(__has_feature)
#define KV_HTTP_DIRECT_CALLS                                                                       \
  !(__has_feature (thread_sanitizer) || __has_feature (address_sanitizer)                          \
    || __has_feature (memory_sanitizer))
#else
#define KV_HTTP_DIRECT_CALLS 1
#endif

/**
 * kv_http_recv:
 *
 * Does not block, whatever the socket's flags say.
 *
 * Returns: as recv(2), with errno
 */
static inline gssize
kv_http_recv (int fd, void *data, gsize size)
{
#if KV_HTTP_DIRECT_CALLS
  return syscall (SYS_recvfrom, fd, data, size, MSG_DONTWAIT, NULL, NULL);
#else
  return recv (fd, data, size, MSG_DONTWAIT);
#endif
}

/**
 * kv_http_send:
 *
 * Neither blocks nor raises SIGPIPE.
 *
 * Returns: as send(2), with errno
 */
static inline gssize
kv_http_send (int fd, const void *data, gsize length)
{
  const int flags = MSG_NOSIGNAL | MSG_DONTWAIT;

#if KV_HTTP_DIRECT_CALLS
  return syscall (SYS_sendto, fd, data, length, flags, NULL, 0);
#else
  return send (fd, data, length, flags);
#endif
}

/**
 * kv_http_send_vectors:
 *
 * Neither blocks nor raises SIGPIPE.
 *
 * Returns: as sendmsg(2), with errno
 */
static inline gssize
kv_http_send_vectors (int fd, const struct iovec *vectors, gsize n_vectors)
{
  const struct msghdr message = { .msg_iov = (struct iovec *) vectors, .msg_iovlen = n_vectors };
  const int flags = MSG_NOSIGNAL | MSG_DONTWAIT;

#if KV_HTTP_DIRECT_CALLS
  return syscall (SYS_sendmsg, fd, &message, flags);
#else
  return sendmsg (fd, &message, flags);
#endif
}

G_END_DECLS
