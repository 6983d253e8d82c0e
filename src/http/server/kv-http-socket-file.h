/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/server/kv-http-address.h"

#include <sys/types.h>

G_BEGIN_DECLS

/**
 * KvHttpSocketFile:
 * @device: with @inode: which file it is; 0 while there is none
 * @inode: see @device
 *
 * The file that a listening Unix socket shows in the file system.
 */
typedef struct {
  dev_t device;
  ino_t inode;
} KvHttpSocketFile;

/**
 * kv_http_socket_file_listen:
 * @file: (out caller-allocates)
 * @fd: an unbound Unix socket
 * @address: its path
 *
 * Binds @fd and listens on it. The file has mode 0600 from the first. A socket file that nobody
 * listens on is replaced; any other file stays. When two processes try at the same time, one of
 * them gets EADDRINUSE.
 *
 * Returns: %FALSE with errno set
 */
gboolean kv_http_socket_file_listen (KvHttpSocketFile *file,
                                     int fd,
                                     const KvHttpSocketAddress *address,
                                     int backlog);

/**
 * kv_http_socket_file_remove:
 *
 * Removes the file, unless another has taken its place. Does nothing while there is none.
 */
void kv_http_socket_file_remove (KvHttpSocketFile *file, const KvHttpSocketAddress *address);

G_END_DECLS
