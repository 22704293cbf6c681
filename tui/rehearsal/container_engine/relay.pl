# Passes connections on. Each argument is a rule; FROM and TO are a port, ADDRESS:PORT, or the path of a Unix socket:
#   FROM=TO             everything
#   FROM!TEXT           nothing: answers with TEXT
#   FROM?PORT:HOST,...  to PORT of the one of these hosts that the caller names, by TLS or HTTP
# In Perl, since its core is part of every image that comes from Debian or Ubuntu; it runs in a deployment's own image.
use strict;
use warnings;
use Errno;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Socket qw(IPPROTO_TCP TCP_NODELAY);

my $BLOCK = 65536;      # bytes that wait for a side that reads slowly
my $PATIENCE = 10;      # seconds in which a caller must name a host
$SIG{CHLD} = 'IGNORE';
$SIG{PIPE} = 'IGNORE';
$SIG{TERM} = $SIG{INT} = sub { exit 0 };    # with process 1, the container ends

sub listening {
    my $place = shift;
    return IO::Socket::UNIX->new(Local => $place, Listen => 1024) if $place =~ m{^/};
    my ($address, $port) = $place =~ /^(?:(.+):)?(\d+)$/;
    return IO::Socket::INET->new(LocalAddr => $address, LocalPort => $port, Listen => 1024, ReuseAddr => 1);
}

sub opened {
    my $place = shift;
    return IO::Socket::UNIX->new(Peer => $place) if $place =~ m{^/};
    return IO::Socket::INET->new(PeerAddr => $place, Blocking => 0);
}

my %sides;    # by file number; what waits to be written to a side is in the side itself

sub pair {    # the caller, and the server
    my ($one, $other) = map { { socket => $_, waiting => '' } } @_;
    ($one->{peer}, $other->{peer}, $one->{calls}) = ($other, $one, 1);
    for my $side ($one, $other) {
        $side->{socket}->blocking(0);
        # Else the second part of an answer waits for the acknowledgement of the first; fails for a Unix socket.
        setsockopt $side->{socket}, IPPROTO_TCP, TCP_NODELAY, 1;
        $sides{fileno $side->{socket}} = $side;
    }
}

sub passing { return $!{EAGAIN} || $!{EINTR} }

sub take {
    my $side = shift;
    my $count = sysread $side->{socket}, $side->{peer}{waiting}, $BLOCK, length $side->{peer}{waiting};
    $side->{ended} = 1 unless $count || (!defined $count && passing());
    $side->{peer}{waiting} = '' if $side->{peer}{deaf};
}

sub give {
    my $side = shift;
    my $count = syswrite $side->{socket}, $side->{waiting};
    if ($count) { substr($side->{waiting}, 0, $count) = '' }
    elsif (!passing()) { ($side->{deaf}, $side->{waiting}) = (1, '') }    # it may still have something to say
}

# Until there is no connection left; for ever with something that listens.
sub pass {
    my ($listening, $to) = @_;
    $listening->blocking(0) if $listening;
    while ($listening || %sides) {
        my ($reading, $writing) = ('', '');
        vec($reading, fileno $listening, 1) = 1 if $listening;
        while (my ($number, $side) = each %sides) {
            vec($reading, $number, 1) = 1 if !$side->{ended} && length $side->{peer}{waiting} < $BLOCK;
            vec($writing, $number, 1) = 1 if length $side->{waiting};
        }
        next if select($reading, $writing, undef, undef) < 0;
        for my $number (keys %sides) {
            my $side = $sides{$number};
            take($side) if vec $reading, $number, 1;
            give($side->{peer}) if length $side->{peer}{waiting};
            give($side) if length $side->{waiting} && vec $writing, $number, 1;
        }
        for my $number (keys %sides) {
            my $side = $sides{$number} or next;
            for my $each ($side, $side->{peer}) {
                $each->{shut} ||= shutdown $each->{socket}, 1 if $each->{peer}{ended} && !length $each->{waiting};
            }
            my $peer = $side->{peer};
            next if length $side->{waiting} || length $peer->{waiting};
            # A server hears at once that its caller is gone; a caller reads its answer in peace, if the server is.
            next unless $side->{ended} && ($peer->{ended} || $side->{deaf} && $side->{calls});
            delete @sides{ map { fileno $_->{socket} } $side, $peer };
            close $_->{socket} for $side, $peer;
            delete $side->{peer};
        }
        if ($listening && vec $reading, fileno $listening, 1) {
            my $caller = $listening->accept or next;
            my $server = opened($to);
            pair($caller, $server) if $server;
        }
    }
}

# The host that a caller names first, if it is one of these, and what it has said.
sub named {
    my ($caller, @hosts) = @_;
    my $said = '';
    while (length $said < $BLOCK && sysread $caller, $said, $BLOCK, length $said) {
        my %names;
        if ($said =~ /^\x16/) {
            next if length $said < 5 || length $said < 5 + unpack 'x3n', $said;
            # RFC 6066: the extension 0, its length, that of its list, the kind 0, the name
            %names = map { my $size = length; $_ => pack('nnnCn', 0, $size + 5, $size + 3, 0, $size) . $_ } @hosts;
        }
        else {
            next unless $said =~ /\r\n\r\n/;
            $said =~ /^Host:[ \t]*([^\s:]+)/mi;
            %names = map { $_ => $_ } grep { lc $_ eq lc($1 // '') } @hosts;
        }
        return $said, grep { index(lc $said, lc $names{$_}) >= 0 } keys %names;
    }
    return $said;
}

sub answer {
    my ($caller, $kind, $what) = @_;
    alarm $PATIENCE;
    if ($kind eq '!') {
        sysread $caller, my ($asked), $BLOCK;
        syswrite $caller, $what;
        shutdown $caller, 1;
        1 while sysread $caller, $asked, $BLOCK;    # closed earlier, the answer might be lost
        return;
    }
    my ($port, $hosts) = split /:/, $what;
    my ($said, $host) = named($caller, split /,/, $hosts);
    my $server = defined $host && opened("$host:$port") or return;
    alarm 0;
    pair($caller, $server);
    $sides{fileno $server}{waiting} = $said;
    pass();
}

for my $rule (@ARGV) {
    my ($from, $kind, $what) = $rule =~ /^([^=!?]+)([=!?])(.*)$/s or die "not a rule: $rule\n";
    my $listening = listening($from) or die "$from: $!\n";
    next if fork // die "no process: $!\n";
    pass($listening, $what) if $kind eq '=';
    while (1) {
        my $caller = $listening->accept or next;
        answer($caller, $kind, $what), exit 0 if !(fork // 1);
    }
}
$| = 1;
print "ready\n";
sleep 3600 while 1;
