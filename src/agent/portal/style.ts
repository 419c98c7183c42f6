/**
 * The one stylesheet of the portal: small, light and dark as the reader's system has it, from 375 px up to walls of screens.
 *
 * Colors keep a contrast of at least 4.5 : 1 to what they stand on.
 */

export const STYLE = `
:root{color-scheme:light dark;--text:#1c2430;--soft:#4a5565;--back:#fff;--card:#f3f5f8;--line:#c9d1dc;--link:#0a4fa3;--good:#0f6b35;--bad:#a8141f;--warn:#7a4b00;--focus:#0a4fa3}
@media(prefers-color-scheme:dark){:root{--text:#e8ecf2;--soft:#b3bdca;--back:#12171f;--card:#1c2430;--line:#3a4657;--link:#8cbcff;--good:#6fd694;--bad:#ff9a9f;--warn:#f4c069;--focus:#8cbcff}}
*{box-sizing:border-box}
body{margin:0;font:1rem/1.5 system-ui,sans-serif;color:var(--text);background:var(--back)}
a{color:var(--link)}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px}
.skip{position:absolute;left:-9999px}.skip:focus{position:static;display:block;padding:.5rem 1rem}
header,main,footer{max-width:70rem;margin:0 auto;padding:0 1rem}
header{padding-top:1rem;border-bottom:1px solid var(--line)}
header p{margin:0;color:var(--soft);overflow-wrap:break-word}
h1{font-size:1.5rem;margin:1rem 0 .5rem}h2{font-size:1.15rem;margin:1.75rem 0 .5rem}
.bar{display:flex;flex-wrap:wrap;align-items:center;justify-content:space-between;gap:.25rem 1rem;padding-bottom:.5rem}
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1rem;list-style:none;margin:.25rem 0;padding:0}
nav a{display:inline-block;padding:.35rem 0}nav a[aria-current]{font-weight:700;color:var(--text)}
.banner{border-left:.4rem solid var(--soft);background:var(--card);padding:.75rem 1rem;margin:1rem 0}
.banner.Danger,.banner.bad{border-color:var(--bad)}.banner.Warning,.banner.warn{border-color:var(--warn)}.banner.Success,.banner.good{border-color:var(--good)}
.banner p{margin:0}
dl{margin:0}dl div{display:flex;flex-wrap:wrap;gap:0 1rem;padding:.25rem 0;border-bottom:1px solid var(--line)}
dt{flex:0 0 12rem;color:var(--soft)}dd{margin:0;flex:1 1 12rem;min-width:0;overflow-wrap:break-word}
table{border-collapse:collapse;width:100%}caption{text-align:left;color:var(--soft);padding:.25rem 0}
th,td{text-align:left;vertical-align:top;padding:.4rem .75rem .4rem 0;border-bottom:1px solid var(--line);overflow-wrap:break-word}
th{color:var(--soft);font-weight:600}
.mark{font-weight:600}.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}.calm,.empty,.hint{color:var(--soft)}
.banner.good,.banner.bad,.banner.warn{color:var(--text)}
form{margin:1rem 0}label{display:block;margin:.75rem 0 .25rem}
input,select,button{font:inherit;color:inherit;background:var(--back);border:1px solid var(--soft);border-radius:.25rem;padding:.5rem .75rem;max-width:100%}
input,select{width:24rem}
button{background:var(--card);cursor:pointer;margin-top:.75rem;font-weight:600}
header form{margin:0}header button{margin:0;padding:.25rem .75rem}
pre{background:var(--card);padding:.75rem;overflow:auto;max-height:70vh;font-size:.85rem;white-space:pre-wrap;overflow-wrap:anywhere}
.long{overflow-wrap:anywhere}td:has(.long){min-width:10rem}time,.whole{white-space:nowrap}
footer{color:var(--soft);padding:2rem 1rem}
@media(min-width:2400px){:root{font-size:125%}}
@media(max-width:40rem){
table,tbody,tr,td,caption{display:block}thead{position:absolute;left:-9999px}
tr{border:1px solid var(--line);border-radius:.25rem;margin:.5rem 0;padding:.25rem .75rem}
td{border:0;padding:.15rem 0}td::before{content:attr(data-title) ": ";color:var(--soft)}
dt{flex-basis:100%}input,select{width:100%}
}
`;
