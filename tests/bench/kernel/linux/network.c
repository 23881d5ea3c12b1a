// Questions to the router of QEMU's user network, 10.0.2.2, for its address (RFC 826), by a socket for frames.

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <netpacket/packet.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "devices.h"

#define CARD "eth0"
#define TRIES 50
#define AGAIN_MICROSECONDS 200000

struct frame {
    struct ether_header header;
    struct ether_arp arp;
};

static int card = -1;
static struct frame question;
static const uint8_t OWN[4] = {10, 0, 2, 15}, ROUTER[4] = {10, 0, 2, 2};

static void make_question(const uint8_t *own) {
    memset(question.header.ether_dhost, 0xff, ETH_ALEN);
    memcpy(question.header.ether_shost, own, ETH_ALEN);
    question.header.ether_type = htons(ETHERTYPE_ARP);
    question.arp.ea_hdr = (struct arphdr){htons(ARPHRD_ETHER), htons(ETHERTYPE_IP), ETH_ALEN, sizeof OWN, htons(ARPOP_REQUEST)};
    memcpy(question.arp.arp_sha, own, ETH_ALEN);
    memcpy(question.arp.arp_spa, OWN, sizeof OWN);
    memcpy(question.arp.arp_tpa, ROUTER, sizeof ROUTER);
}

static void open_card(void) {
    if (card >= 0) {
        return;
    }
    struct ifreq request = {.ifr_name = CARD};
    card = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ARP));
    must(card >= 0 && ioctl(card, SIOCGIFHWADDR, &request) == 0, CARD);
    make_question((const uint8_t *)request.ifr_hwaddr.sa_data);
    must(ioctl(card, SIOCGIFFLAGS, &request) == 0, "flags");
    request.ifr_flags |= IFF_UP;
    must(ioctl(card, SIOCSIFFLAGS, &request) == 0, "up");
    must(ioctl(card, SIOCGIFINDEX, &request) == 0, "index");
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP), .sll_ifindex = request.ifr_ifindex};
    must(bind(card, (struct sockaddr *)&to, sizeof to) == 0, "bind");
    struct timeval patience = {.tv_usec = AGAIN_MICROSECONDS};
    must(setsockopt(card, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0, "timeout");
}

static int is_answer(const struct frame *frame, ssize_t length) {
    return length >= (ssize_t)sizeof *frame && frame->arp.ea_hdr.ar_op == htons(ARPOP_REPLY) && memcmp(frame->arp.arp_spa, ROUTER, sizeof ROUTER) == 0;
}

// A card may be deaf at first: it is asked again, and what was lost shows in the time.
static int ask(void) {
    uint8_t bytes[ETH_FRAME_LEN];
    for (int tries = 0; tries < TRIES; tries++) {
        ssize_t length = send(card, &question, sizeof question, 0);
        while (length >= 0) {
            length = recv(card, bytes, sizeof bytes, 0);
            struct frame frame;
            memcpy(&frame, bytes, sizeof frame);
            if (is_answer(&frame, length)) {
                return 1;
            }
        }
    }
    return 0;
}

static uint64_t round_trips(uint32_t operations) {
    uint64_t answered = 0;
    for (uint32_t i = 0; i < operations; i++) {
        answered += (uint64_t)ask();
    }
    return answered;
}

job find_network_job(const char *name) {
    if (strcmp(name, "network") != 0) {
        return NULL;
    }
    open_card();
    return round_trips;
}
