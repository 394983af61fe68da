/*
 * Pairs: which two rows of a row set are the ends of one connection.
 *
 * Two rows of tcp and tcp6 (udp and udp6, udplite and udplite6) are a pair if the local address and
 * port of each are the remote ones of the other; an IPv4 address that is written as an IPv6 one
 * (::ffff:a.b.c.d) is the IPv4 address. Listening rows and rows without a remote port have no other
 * end, and a socket that is connected to itself is its own.
 *
 * The other end is looked for among the rows of the same network namespace; where there is none and
 * no address is of the loopback, among those of the others. Where several rows fit, the one that
 * has an inode is meant (one in TIME_WAIT may be left over from the connection before); where that
 * does not tell either, there is none. Two rows are a pair only if each is the other end of the
 * other. Translated addresses (NAT) hide a pair.
 */
#ifndef SOCKQ_PEERS_H
#define SOCKQ_PEERS_H
#include <stdint.h>

#include "rowset.h"

/**
 * Set row.peer in all rows of a row set that is not committed yet. The rows that it has are
 * all pushed, none was passed.
 *
 * @probes  how many slots of the hash table were looked at, for tests of the cost; may be NULL
 * @return  0, or -1 with errno (ENOMEM): no row has a peer then
 */
int sockq_peers_find(struct sockq_writer *w, uint64_t *probes);

#endif
