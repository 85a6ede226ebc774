/** What to try, in order: one card for each journey of the start page. */
import type { Addresses } from '../directory.ts'
import { html, type Markup } from '../web/page.ts'

export function journeys({ keyward, app, ehr, visits, carePlan, report }: Addresses): Markup {
  return html`
<p class="note">One browser is signed in as one person. For the next person use a private window, or sign out first on
<a href="${keyward}/account">the account page</a>.</p>
<ol class="journeys">
<li class="card"><h2>A parent shares her child’s record</h2>
<p>Maria Diaz wants an app to show her son’s heart health.</p>
<ol>
<li>Open Heart App and choose <strong>Connect to my clinic</strong>.</li>
<li>Sign in as <code>maria</code>, with the <a href="/#accounts">password and code below</a>.</li>
<li>Pick Leo. Turn off one kind of data. Then share.</li>
<li>Heart App shows what it got, and what it was refused.</li>
</ol>
${opens(`${app}/`, 'Open Heart App')}</li>
<li class="card"><h2>A doctor opens the app from the patient’s chart</h2>
<p>Dr Ana Lee is with Leo, and opens Heart App for this visit.</p>
<ol>
<li>Open the Clinic EHR, the program in which doctors work.</li>
<li>Choose a visit of Leo’s.</li>
<li>Sign in as <code>dr.lee</code>. Heart App opens with Leo and the visit already chosen.</li>
</ol>
${opens(`${ehr}/`, 'Open the Clinic EHR')}</li>
<li class="card"><h2>The parent stops the app</h2>
<p>Maria changes her mind. From that moment Heart App sees nothing more.</p>
<ol>
<li>Open Maria’s account page and choose <strong>Stop</strong> beside Heart App.</li>
<li>Go back to Heart App and choose <strong>Look again</strong>.</li>
</ol>
${opens(`${keyward}/account`, 'Open the account page')}</li>
<li class="card"><h2>The doctor has the app within the chart</h2>
<p>Dr Lee is signed in to the EHR already. It tells Keyward so, and nobody asks her again.</p>
<ol>
<li>In the EHR, choose what the app is told about Leo: a visit, a report, what for, the colours.</li>
<li>Take <strong>Heart App for doctors</strong>, and tick <strong>Tell Keyward who I am</strong>.</li>
<li>Choose <strong>Open in this page</strong>. The app shows what it was told.</li>
<li>Try the same with Heart App: it asks each doctor, so it needs a window of its own.</li>
</ol>
${opens(`${ehr}/chart?patient=leo`, 'Open Leo’s chart')}</li>
<li class="card"><h2>An app with a server of its own</h2>
<p>My Visits and My Care Plan keep what they were given on their server. One has a secret, the other a key.</p>
<ol>
<li>Open one of them, connect, and sign in as <code>maria</code>.</li>
<li>Choose <strong>Renew access</strong>, then <strong>Disconnect</strong>.</li>
</ol>
${opens(visits, 'Open My Visits')}
${opens(carePlan, 'Open My Care Plan')}</li>
<li class="card"><h2>Records at another house</h2>
<p>Maria was at Riverside Hospital once. It has records of its own, behind the same sign-in.</p>
<ol>
<li>In Heart App, choose <strong>Riverside Hospital</strong> and connect as <code>maria</code>.</li>
<li>Keyward asks anew: what is shared at one house is not shared at the other.</li>
</ol>
${opens(`${app}/`, 'Open Heart App again')}</li>
<li class="card"><h2>A program without a person</h2>
<p>The clinic counts its results each night. Nobody is there to sign in.</p>
<ol>
<li>Run the report for one house.</li>
<li>See that the same access is refused at the other.</li>
</ol>
${opens(`${report}/`, 'Open Nightly Report')}</li>
<li class="card"><h2>A doctor looks for the patient herself</h2>
<p>Dr Lee opens Heart App without the EHR. Then nobody has said whose record it is.</p>
<ol>
<li>In Heart App, choose <strong>Connect to my clinic</strong> and sign in as <code>dr.lee</code>.</li>
<li>Search for <strong>Diaz</strong>, and pick a patient.</li>
</ol>
${opens(`${app}/`, 'Open Heart App as a doctor')}</li>
<li class="card"><h2>Somebody adds an app</h2>
<p>Devi Rao makes apps. What she adds reads the made-up records at once, and real ones when the clinic says so.</p>
<ol>
<li>Open the page for developers, and sign in as <code>devi</code>.</li>
<li>Choose <strong>Add an app</strong>, and say why it asks for what it asks.</li>
<li>Choose <strong>Ask for real records</strong>. The clinic answers by a command: the README names it.</li>
</ol>
${opens(`${keyward}/developer`, 'Open the page for developers')}</li>
</ol>`
}

function opens(address: string, words: string): Markup {
  return html`<p><a class="button" href="${address}" target="_blank" rel="noopener">${words}</a></p>`
}
