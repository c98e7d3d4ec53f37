# judge.pl RESOLVER PORT FILE IP HELO MAILFROM: what the Perl modules make of a
# message: "SPF; DKIM, a result each; DMARC".
use strict;
use warnings;
use Mail::DKIM::DNS;
use Mail::DKIM::Verifier;
use Mail::DMARC::PurePerl;
use Mail::SPF;
use Net::DNS::Resolver;

my ($server, $port, $file, $ip, $helo, $from) = @ARGV;
my $resolver = Net::DNS::Resolver->new(nameservers => [$server], port => $port, recurse => 1, dnsrch => 0, config_file => '/dev/null');
Mail::DKIM::DNS::resolver($resolver);

my $null = $from eq '<>';
my $spf = Mail::SPF::Server->new(dns_resolver => $resolver, default_authority_explanation => '')->process(
    Mail::SPF::Request->new(
        scope => $null ? 'helo' : 'mfrom', identity => $null ? $helo : $from,
        ip_address => $ip, helo_identity => $helo));

my $dkim = Mail::DKIM::Verifier->new;
my $author = '';
open my $in, '<', $file or die "$file: $!";
while (<$in>) {
    s/\r?\n\z//;
    $author = $1 if !$author && /^From:.*@([^>\s]+)/;
    $dkim->PRINT("$_\015\012");
}
$dkim->CLOSE;

{
    # It knows the top-level domains that exist, and test is none of them.
    no warnings 'redefine';
    my ($valid, $suffix) = (\&Mail::DMARC::Base::is_valid_domain, \&Mail::DMARC::Base::is_public_suffix);
    *Mail::DMARC::Base::is_valid_domain = sub { $_[1] =~ /\.test\z/ || $valid->(@_) };
    *Mail::DMARC::Base::is_public_suffix = sub { $_[1] eq 'test' || $suffix->(@_) };
}
my $dmarc = Mail::DMARC::PurePerl->new;
$dmarc->set_resolver($resolver);
$dmarc->header_from($author);
$dmarc->source_ip($ip);
$dmarc->dkim($dkim);
my $domain = $null ? $helo : $from;
$domain =~ s/.*@//;
$dmarc->spf(scope => $null ? 'helo' : 'mfrom', domain => $domain, result => $spf->code);
my $result = $dmarc->validate;
my $word = $result->result;
$word = 'none' if $word eq 'fail' && !$dmarc->result->published;
print join('; ', $spf->code, join(' ', map { $_->result } $dkim->signatures), $word), "\n";
